"""Sentences in which models decline, name limits and faults, announce success or ask back, in many languages. Tables only.

Texts are normalised first (`countcheck.generators.refusals.words.normal`): case folded, straight quotes, single spaces,
no markdown. The patterns are our own; their precision and recall are measured in tests/generators.
"""

from __future__ import annotations

import re

# Verbs for what was asked; stems, so that every form is found.
_MAKE = (
    r"(?:(?:re)?creat|(?:re)?generat|reproduc|replicat|imitat|copy\b|mak(?:e|ing)|draw|produc|render|provid|edit|modif|help|assist|fulfil|complet|comply|depict"
    r"|show|illustrat|visuali[sz]|paint|sketch|design|process|proceed|continue|do (?:that|this|it|so)|engage|carry (?:that|this|it) out"
    r"|put\b|place\b|include|add\b|write|take\b|honou?r|accommodat|satisf|support|respond|go (?:there|ahead|any further)|offer|deliver|share|accept|take (?:that|this) on)"
)
_NOT = (
    r"(?:can(?:no|')t\b|cannot\b|can not\b|won't\b|will not\b|would not\b|wouldn't\b|(?:am |'m |are |'re )?(?:un|not )able to\b"
    r"|not (?:allowed|permitted|going|willing|prepared|in a position|comfortable|programmed|designed|equipped|supposed|meant) ?(?:to|with)?\b|couldn't\b|could not\b"
    r"|(?:must|have to|need to|'ll have to|will have to|'d rather|would rather|going to) (?:respectfully |politely )?(?:decline|refuse|pass|not)\b"
    r"|(?:respectfully |politely )?(?:decline|refuse)\b|don't (?:have the ability|think i can|feel comfortable)|do not have the ability"
    r"|(?:don't|do not) (?:create|generate|draw|make|produce|edit)\b)"
)

DECLINES: dict[str, re.Pattern[str]] = {
    "en": re.compile(
        rf"\b(?:i|we)\b[^.!?\n]{{0,60}}?{_NOT}[^.!?\n]{{0,60}}?\b{_MAKE}"
        rf"|\b(?:i|we) (?:must |have to |need to |'ll have to |will have to )?(?:respectfully |politely )?(?:decline|refuse)\b"
        rf"|^(?:sorry,? |apologies,? |unfortunately,? |no[,.]? )*(?:unable|not able) to {_MAKE}"
        rf"|\b(?:unable|failed|not possible|impossible) (?:for me )?to {_MAKE}\w* (?:(?:that|this|the|your|an?|any|such) )?(?:\w+ )?(?:image|picture|photo|drawing|request|content|that|this)"
        rf"|^(?:sorry,? |apologies,? |i'm sorry,? )*(?:but )?(?:can't|cannot|can not|won't) {_MAKE}"
        rf"|\b(?:this|that|your|the)(?: \w+)? (?:request|prompt|image|picture|content|message|one|scene)\b[^.!?\n]{{0,40}}\b(?:violat|breach|contraven|goes against|go against|conflicts? with|(?:is|falls) (?:outside|beyond) (?:of )?what i)"
        rf"|\b(?:request|prompt|image|generation)\b[^.!?\n]{{0,30}}\b(?:was|were|has been|have been|is|got) (?:automatically )?(?:rejected|blocked|flagged|refused|declined|denied|withheld|filtered|moderated)"
        rf"|\b(?:may|might|could|would|likely) (?:\w+ )?violat\w*"
        rf"|\bagainst (?:my|our|the)\b[^.!?\n]{{0,30}}(?:guideline|polic|rule|terms|principle)"
        rf"|\bi(?:'m| am) (?:only )?(?:just )?an? (?:text|language)[ -](?:based|only|model)|\bi (?:can )?only (?:work with|generate|produce|output|process|create) text"
        rf"|\b(?:don't|do not|no longer) have (?:access to )?(?:an? |the |any )?(?:image|picture|drawing)[ -]?(?:generation|creation|editing|generator)?\w* ?(?:tool|capabilit|abilit|function|access|feature)?"
        rf"|\bimage (?:generation|creation)\b[^.!?\n]{{0,30}}\b(?:not (?:available|supported|enabled|possible|something i)|unavailable|disabled|isn't (?:available|supported|something))"
        rf"|\b(?:that's|that is|this is|it's|it is) (?:not )?something (?:that )?(?:i|we)(?:'m| am| are)? (?:can't|cannot|won't|can|not able|unable|not allowed|don't)\b(?=[^.!?\n]*)"
        rf"|\binput contains sensitive words|\bcontent (?:is )?not (?:allowed|permitted)|\bnot (?:allowed|permitted) (?:by|under) (?:my|our|the)"
        rf"|\b(?:let's|let us|can we|could we|shall we) (?:talk about|discuss|try|change|explore) (?:something|a different|another) (?:else|topic|subject)"
        r"|\b(?:generating|creating|drawing|making|producing|editing|showing|depicting|painting)\b[^.!?\n]{0,50}\b(?:isn't|is not|aren't|are not|not) (?:possible|allowed|permitted|supported|something)"
        r"|\b(?:isn't|is not|aren't|are not|not) something (?:that )?(?:i|we|our|my|the (?:system|model|tool))\b[^.!?\n]{0,30}\b(?:can|will|could|able|accept|do|draw|produce|allow)"
        r"|\b(?:outside|beyond) (?:of )?(?:what (?:i|we)\b|(?:my|our) (?:\w+ )?(?:guideline|polic|rule|limit))"
        r"|\bi(?:'ll| will|'d| would)? (?:have to|must|need to|rather|going to)?\s?(?:say no|sit this (?:one )?out|take a pass|pass on)"
        r"|\b(?:system|filters?|polic(?:y|ies)|guidelines?|rules|restrictions|safety \w+)\b[^.!?\n]{0,25}\b(?:blocked|block|prevents?|prevented|stops?|don't (?:allow|permit|let)|do not (?:allow|permit|let)|doesn't (?:allow|permit|let)|does not (?:allow|permit|let)|prohibits?|forbids?|rejected|declined|refused|won't (?:let|allow)|flagged|keeps? me from)"
        r"|\b(?:break|breaks|breaking|breach|breaches) (?:the|my|our|any) (?:\w+ )?(?:rule|guideline|polic)"
        r"|\b(?:image|picture|photo|drawing|scene|illustration|request|prompt|it|this|that)\b[^.!?\n]{0,15}\b(?:can't|cannot|can not|couldn't|could not|won't|will not|can't currently) be (?:creat|generat|made|drawn|produc|shown|complet|process|fulfil|render|edit)"
        r"|\bno can do\b|\b(?:instructed|told|trained|asked) not to (?:creat|generat|mak|draw|produc|show|depict)|\b(?:isn't|is not|not) possible (?:for me )?to (?:creat|generat|mak|draw|produc|show|edit)|\bsomething (?:that )?i(?:'ll| will| would)? (?:never|not) (?:creat|generat|mak|draw|produc|show|do\b)"
        r"|\bwithout (?:any )?image (?:tools|generation)|\bi (?:can )?only (?:answer|reply|respond) in text|\b(?:don't|do not) (?:currently |yet )?have (?:the |any )?(?:ability|means|tools?|capabilit\w+)"
        r"|\bno (?:image|picture|photo|drawing)s? (?:was|were|has been|could be|can be|will be) (?:creat|generat|made|drawn|produc)"
        r"|\b(?:so|but|and|because|sorry,?|no[.,!]|afraid)\s+(?:that )?(?:i|we) (?:just |simply |really )?(?:can't|cannot|won't|will not|am not able to)\s*(?:[.!;]|$)"
        r"|\bi\b[^.!?\n]{0,40}\bturn (?:this|that|it|you|the request) down\b|\btripped (?:our|the|my)\b|\b(?:isn't|is not) an? (?:\w+ )?(?:image|picture|photo|drawing|scene) (?:that )?(?:i|we) (?:can|will|may|could)\b"
        r"|^not going to (?:draw|creat|generat|mak|produc|show|do)|\b(?:asked|told|instructed|trained) to avoid (?:creat|generat|mak|draw|produc|show)|\b(?:drawing|image generation|generating images|making pictures) is(?: not|n't) among (?:my|the)\b"
        r"|\boff the table\b|\b(?:have|going|need) to (?:say no|take a pass)\b|\b(?:request|prompt|generation|content) (?:blocked|rejected|declined|denied|refused)\b"
        r"|\b(?:prompt|request|image|picture|content)s? (?:isn't|is not|aren't|are not) (?:allowed|permitted|acceptable|accepted)\b|^(?:nope|nah|no)[,.!]* (?:sorry,? )?(?:i )?(?:can't|cannot|won't) do\b"
        r"|\b(?:doesn't|does not|don't|do not) (?:comply|align|meet|fit) (?:with )?(?:my|our|the) (?:\w+ )?(?:guideline|polic|rule|standard|term)|\bsomething in (?:your|the) (?:prompt|request)\b"
        r"|\b(?:prompt|request|text|query|input|message|description)\b[^.!?\n]{0,20}\b(?:can\'t|cannot|can not|may not) be (?:used|accepted|processed|shown)|\b(?:prompt|request|query|text|input|message)s? (?:is|was|has been|got) (?:blocked|rejected|refused|declined|denied|flagged)|\b(?:request|prompt|image|picture|that|this|it)\b[^.!?\n]{0,15}\b(?:isn\'t|is not) (?:one|an? \w+|something) (?:that )?i can\b|\bhave to (?:respectfully |politely )?(?:decline|refuse|say no)|\b(?:text|query|input|message) (?:isn\'t|is not) (?:allowed|permitted|acceptable|accepted)|\b(?:query|message|input|text)\b[^.!?\n]{0,40}\b(?:violat|breach|contraven)|\b(?:pictures?|images?|drawings?)\b[^.!?\n]{0,25}\b(?:outside|beyond) (?:of )?what i can"
        r"|\b(?:system|tool|model|policy|guidelines?|rules?|filter|settings)\b[^.!?\n]{0,20}\b(?:will not|won\'t|does not|doesn\'t|do not|don\'t) (?:let|allow|permit) me\b|\bi can only (?:chat|talk|write|speak) "
    ),
    "es": re.compile(
        r"\bno (?:voy|vamos) a poder\b|"
        r"\bno (?:\w+ ){0,2}(?:puedo|puede|pueden|podemos)\b[^.!?\n]{0,25}\b(?:cre|gener|dibuj|mostr|produc|edit|ser )|"
        r"\bno (?:puedo|podemos|podr(?:é|ía|emos)|(?:me|nos) es posible|soy capaz de|somos capaces de|es posible|estoy autorizad\w|tengo (?:la capacidad|permitido|permiso)|me está permitido|he podido|logré)\b"
        r"[^.!?\n]{0,50}\b(?:cre|gener|dibuj|ayud|mostr|produc|edit|hac|modific|realiz|cumpl|complac|atend|proces|responder|eso|esto)"
        r"|\b(?:debo|tengo que) (?:rechazar|declinar)|\b(?:tu|su|esta|la) (?:solicitud|petición|imagen)\b[^.!?\n]{0,40}\b(?:infring|viol|incumpl|ha sido (?:rechazad|bloquead)|fue (?:rechazad|bloquead))"
        r"|\b(?:infringe|viola|incumple|va en contra)\w* (?:de )?(?:nuestr|mis|las|la|el|los)"
        r"|\bno (?:está|están|se) permit\w+|\b(?:solicitud|petición|imagen|prompt)\b[^.!?\n]{0,30}\b(?:fue|ha sido|está) (?:rechazad|bloquead|denegad)"
        r"|\bprefiero no\b|\b(?:rechazad|bloquead|denegad)[oa]s? por (?:el|la|los|las|nuestr)"
    ),
    "fr": re.compile(
        r"\b(?:il )?ne (?:m'est|nous est) pas (?:permis|possible)\b|\bne (?:peut|peuvent|pourra) (?:pas )?être (?:généré|créé|dessiné|produit|montré|affiché|réalisé)|"
        r"\b(?:je|nous) (?:ne |n')(?:peux|pouvons|suis|sommes|saurais|pourrai|peut)\b[^.!?\n]{0,60}\b(?:cré|génér|dessin|aid|produi|modifi|montr|fai[rt]|réalis|répondre|donner suite|traiter|accéder|fourni|représent|satisf|cela|ça)"
        r"|\b(?:impossible|pas possible) (?:pour moi )?(?:de |d')(?:créer|générer|dessiner|produire|réaliser|afficher|modifier)|\bje (?:dois|suis (?:contraint|obligé)\w* de) (?:refuser|décliner)|\bje (?:refuse|décline)\b"
        r"|\b(?:demande|requête|image)\b[^.!?\n]{0,40}\b(?:enfreint|contraire|viole|a été (?:refus|bloqu|rejet))|\b(?:enfreint|contraire à|contrevient) "
        r"|\bn'(?:est|a) pas (?:été )?(?:autoris|permis|accept)|\b(?:demande|requête|image|prompt)\b[^.!?\n]{0,30}\b(?:a été|est) (?:refus|bloqu|rejet)"
        r"|\bje préfère ne pas\b"
    ),
    "de": re.compile(
        r"\bkann (?:leider |so )?nicht (?:erstellt|erzeugt|generiert|gezeichnet|angezeigt|bearbeitet|umgesetzt) werden|\b(?:zeichne|erstelle|male|erzeuge|mache) ich (?:\w+ ){0,2}nicht\b|"
        r"\b(?:ich|und|aber) (?:ich )?(?:kann|darf|werde|könnte)\b[^.!?\n]{0,80}\b(?:nicht|kein\w*)\b|\b(?:kann|darf|werde) ich\b[^.!?\n]{0,80}\b(?:nicht|kein\w*)\b"
        r"|\bich bin (?:leider )?nicht in der lage|\bist (?:es )?mir (?:leider )?nicht möglich|\bwir können\b[^.!?\n]{0,60}\b(?:nicht|kein\w*)\b|\bmuss ich (?:leider )?ablehnen|\bich (?:muss|möchte)\b[^.!?\n]{0,40}\bablehnen|\blehne ich ab"
        r"|\bverst(?:ö|o)(?:ß|ss)t (?:\w+ )?gegen|\b(?:anfrage|bild|prompt) wurde\b[^.!?\n]{0,30}\b(?:abgelehnt|blockiert|gesperrt)"
        r"|\b(?:ist|sind|wird) nicht (?:erlaubt|gestattet|zulässig)|\b(?:anfrage|bild|prompt)\b[^.!?\n]{0,40}\b(?:abgelehnt|blockiert|verweigert)"
    ),
    "it": re.compile(
        r"\bnon (?:lo |la |le |li )?(?:posso|potrò|possiamo) (?:far|cre|gener|disegn|realizz)|"
        r"\bnon (?:può|possono) essere (?:generat|creat|disegnat|mostrat|prodott|realizzat)|"
        r"\bnon (?:posso|possiamo|potrò|riesco a|sono (?:in grado|autorizzat\w|capace)|mi è (?:possibile|permesso|consentito)|è possibile|ho la capacità)\b[^.!?\n]{0,50}\b(?:cre|gener|disegn|aiut|produ|modific|mostr|realizz|soddisf|far|esegu|fornir|quest)"
        r"|\bdevo (?:rifiutare|declinare)|\b(?:richiesta|immagine|prompt)\b[^.!?\n]{0,40}\b(?:viola|è stat\w (?:rifiutat|bloccat|respint))|\bviola (?:le|la|i|il|le nostre)\b|\bimpossibile (?:creare|generare)"
        r"|\bnon (?:è|sono) (?:consentit|permess|ammess)|\b(?:richiesta|immagine|prompt)\b[^.!?\n]{0,30}\b(?:è stat\w |viene )?(?:rifiutat|bloccat|respint)"
    ),
    "pt": re.compile(
        r"\bnão (?:vou|vamos|irei) (?:conseguir|poder)\b|"
        r"\bnão pode(?:m)? ser (?:gerad|criad|desenhad|mostrad|produzid|feit)|"
        r"\bnão (?:posso|podemos|consigo|conseguimos|poderei|(?:me|nos) é (?:possível|permitido)|é possível|sou capaz de|estou autorizad\w|tenho (?:permissão|como|a capacidade))\b[^.!?\n]{0,50}\b(?:cri|ger|desenh|ajud|produz|edit|mostr|faz|modific|atend|realiz|cumpr|isso|fornec)"
        r"|\b(?:devo|tenho (?:de|que)) recusar|\b(?:pedido|solicitação|imagem|prompt)\b[^.!?\n]{0,40}\b(?:viola|foi (?:recusad|bloquead|rejeitad))|\bviola (?:as|nossas|a|os)\b"
        r"|\bnão (?:é|são|está) permitid|\b(?:pedido|solicitação|imagem|prompt)\b[^.!?\n]{0,30}\b(?:foi|está) (?:recusad|bloquead|rejeitad|negad)"
    ),
    "nl": re.compile(
        r"\bkan\b[^.!?\n]{0,40}\bniet worden (?:gemaakt|gegenereerd|getekend|getoond|bewerkt)|\bkan niet worden (?:gemaakt|gegenereerd)|"
        r"\b(?:ik|we|wij|en|maar) (?:ik )?(?:kan|kunnen|mag|mogen|zal)\b[^.!?\n]{0,80}\b(?:niet|geen)\b|\b(?:kan|mag) ik\b[^.!?\n]{0,80}\b(?:niet|geen)\b|\bik ben niet in staat"
        r"|\bik moet (?:dit |je |uw )?(?:verzoek )?(?:helaas )?(?:weigeren|afwijzen)|\b(?:verzoek|afbeelding)\b[^.!?\n]{0,40}\b(?:in strijd|schendt|(?:is|werd) (?:geweigerd|geblokkeerd|afgewezen))"
        r"|\bniet (?:toegestaan|toegelaten)\b|\b(?:verzoek|afbeelding|prompt)\b[^.!?\n]{0,30}\b(?:geweigerd|geblokkeerd|afgewezen)"
    ),
    "pl": re.compile(
        r"\bnie (?:da się|można)\b[^.!?\n]{0,30}(?:wygener|stworz|narysow|utworz|wykona)|"
        r"\bnie (?:mogę|możemy|jestem w stanie|mogłem|mogłam|potrafię|wolno mi|będę (?:mógł|mogła)|jest możliwe)\b[^.!?\n]{0,60}\b(?:wygener|stworz|tworz|gener|narysow|rysow|pomóc|utworz|zrobi|wykona|przygotow|edyt|spełni|zrealiz|tego|pokaz)"
        r"|\bmuszę odmówić|\bodmawiam|\bnarusza\b|\b(?:prośba|żądanie|obraz)\b[^.!?\n]{0,30}\bzosta\w+ (?:odrzucon|zablokowan)"
        r"|\b(?:niedozwolon|nie jest dozwolon|nie są dozwolon)|\b(?:prośba|żądanie|zapytanie|obraz)\b[^.!?\n]{0,30}\b(?:odrzucon|zablokowan)"
    ),
    "ru": re.compile(
        r"(?:созда|сгенерир|нарисова|изобраз)\w*[^.!?\n]{0,25}(?:невозможно|нельзя|не (?:могу|можем|получится|удалось))|\bнельзя (?:созда|сгенерир|нарисова)|"
        r"\bне (?:могу|можем|смогу|сможем|удалось|получится|удаётся|удается|способ\w+|умею|имею возможности|в состоянии|буду)\b[^.!?\n]{0,70}(?:созда|сгенерир|генерир|нарисова|рисова|изобраз|помочь|выполн|сдела|показа|отредактир|это)"
        r"|\bневозможно (?:созда|сгенерир|нарисова|выполн)|\b(?:вынужден\w*|должен|должна) отказ|\bнаруша(?:ет|ют)\b|\bпротиворечит\b[^.!?\n]{0,30}(?:правил|политик|принцип)"
        r"|\b(?:запрос|изображение) (?:был\w? )?(?:отклон|заблокир)"
        r"|\bне (?:разрешен|разрешён|допускает|допуска|позволен)|\b(?:запрос|изображение|промпт)\b[^.!?\n]{0,30}(?:отклон|заблокир|запрещ)"
    ),
    "sv": re.compile(
        r"\bkan (?:tyvärr |dessvärre )?(?:inte|ikke) (?:skapas|genereras|ritas|lages|opprettes)|"
        r"\b(?:jag|vi|jeg) (?:kan|får|kommer|må|vil)\b[^.!?\n]{0,40}\b(?:inte|ikke|ingen|inga)\b|\b(?:kan|får|må) (?:jag|vi|jeg)\b[^.!?\n]{0,40}\b(?:inte|ikke|ingen|inga)\b"
        r"|\b(?:strider mot|bryter mot|i strid med)\b"
        r"|\b(?:är|er) (?:inte|ikke) till(?:åt|at)\w*|\b(?:avvisats|blockerats|nekats)\b"
    ),
    "uk": re.compile(
        r"\bне (?:можу|можемо|вдалося|зможу|маю можливості)\b[^.!?\n]{0,60}(?:створ|генер|намалю|малюв|допомог|викона|зроби)|\bпорушує\b|\bнеможливо (?:створ|генер|намалю)"
        r"|\bне (?:дозволен|допускає)|\b(?:запит|зображення)\b[^.!?\n]{0,30}(?:відхилен|заблокован)"
    ),
    "id": re.compile(
        r"\b(?:tidak|belum|tak) (?:dapat|bisa|boleh|mampu|dibenarkan)\b[^.!?\n]{0,50}\b(?:(?:mem|men|meng)\w+|bantu|buat|gambar)|\bmelanggar (?:kebijakan|pedoman|aturan)"
        r"|\btidak (?:diizinkan|diperbolehkan)|\b(?:permintaan|gambar)\b[^.!?\n]{0,30}\b(?:ditolak|diblokir)"
    ),
    "vi": re.compile(
        r"không (?:thể|được phép|có khả năng)[^.!?\n]{0,50}(?:tạo|vẽ|giúp|hỗ trợ|thực hiện|cung cấp|hiển thị|chỉnh sửa)|vi phạm (?:chính sách|quy định|nguyên tắc)"
        r"|không được (?:cho )?phép|(?:yêu cầu|hình ảnh)[^.!?\n]{0,30}(?:bị từ chối|bị chặn)"
    ),
    "tr": re.compile(
        r"\b(?:oluştur|üret|çiz|yap|göster|düzenle|sağla)\w*(?:amam|emem|amıyorum|emiyorum|amayız|emeyiz|amıyoruz|emiyoruz)\b|\byardımcı ol(?:amam|amıyorum|amayız|amıyoruz)\b|\byerine getir(?:emem|emiyorum)\b"
        r"|\b(?:politika|kural|ilke)\w*[^.!?\n]{0,20}\b(?:aykırı|ihlal)"
        r"|\bizin verilmi|\b(?:istek|görsel|istem)\w*\b[^.!?\n]{0,30}\b(?:reddedil|engellen)"
    ),
    "ar": re.compile(
        r"(?:لا (?:أستطيع|استطيع|يمكنني|يمكننا|أقدر|يمكن)|لا يُمكنني|لن أتمكن|لست قادر|غير قادر|ليس بإمكاني|ليس بوسعي|يتعذر علي|عذرًا،? لا|تعذر)[^.!؟\n]{0,60}(?:إنشاء|انشاء|توليد|رسم|إنتاج|مساعد|عرض|تعديل|تصميم|تنفيذ|تلبية|القيام|ذلك|صور)"
        r"|(?:ينتهك|تنتهك|يخالف|تخالف|مخالف)[^.!؟\n]{0,30}(?:سياس|إرشاد|قواعد)"
        r"|غير مسموح|(?:الطلب|الصورة)[^.!؟\n]{0,20}(?:رفض|حظر)|(?:تم رفض|تم حظر)"
    ),
    "hi": re.compile(
        r"(?:नहीं|असमर्थ)[^।!?\n]{0,20}(?:बना|कर|दिखा|सकता|सकती|सकते|पा)[^।!?\n]{0,20}|(?:बना|कर|दे|दिखा|बनाने में)\s?(?:ने में )?(?:असमर्थ|नहीं सक)|नीति[^।!?\n]{0,20}उल्लंघन"
        r"|अनुमति नहीं|(?:अनुरोध|चित्र|छवि)[^।!?\n]{0,20}(?:अस्वीकार|अवरुद्ध)"
    ),
    "zh": re.compile(
        r"(?:画|做|生成|帮|创建|完成)不了|不符合[^。\n]{0,10}(?:规定|政策|规范|要求|准则)|暂不支持|不予|"
        r"(?:无法|不能|没法|不可以|没有办法|没办法|不便|無法|不會|不会为|拒绝|不允许)[^。！？\n]{0,30}(?:生成|创建|绘制|创作|提供|画|制作|帮|满足|完成|显示|处理|修改|編輯|编辑|繪製|創建|製作|回应|图|圖)"
        r"|违反[^。\n]{0,16}(?:政策|规定|准则|规范|规则)|違反[^。\n]{0,16}(?:政策|規定|準則)|(?:请求|请求已|内容)[^。\n]{0,8}(?:被拒绝|被拦截|被屏蔽|不合规)"
        r"|不(?:被)?(?:允许|許可|准许)|(?:请求|提示词|内容|图片)[^。\n]{0,10}(?:被拒|被拦截|未通过)"
        r"|内容(?:违规|违法|不当)"
    ),
    "ja": re.compile(
        r"(?:お作り|お描き|お見せ|作り|お受け|お引き受け)[^。\n]{0,10}(?:できません|できない|いたしかね|できかね)|"
        r"(?:生成|作成|描画|描く|描け|提供|お手伝い|対応|表示|編集|制作|作る|お応え|応じる|お描き|ご用意)[^。\n]{0,16}(?:できません|できかね|いたしかね|対応していません|できない|ません|不可能|できず)"
        r"|描けません|ポリシー[^。\n]{0,14}(?:違反|抵触|反)|ガイドライン[^。\n]{0,14}(?:違反|抵触|反)|お断り"
        r"|許可されて(?:い|お)(?:ません|りません|ない)|(?:リクエスト|プロンプト|画像|入力)[^。\n]{0,12}(?:拒否|ブロック|却下)"
    ),
    "ko": re.compile(
        r"(?:생성|제작|그려|그릴|그리|만들|도와|편집|제공|수정|표시|처리|응|보여)[^.\n]{0,16}(?:수 없|수가 없|어렵습니다|못합니다|못해|못 |불가능|불가)"
        r"|(?:정책|가이드라인|지침)[^.\n]{0,14}(?:위반|위배|어긋)|거부(?:합니다|되었)"
        r"|허용되지 (?:않|안)|(?:요청|프롬프트|이미지)[^.\n]{0,12}(?:거부|차단|거절)"
    ),
}

# Taken out before declines are looked for: negations that decline nothing.
NOT_DECLINES = re.compile(
    r"\b(?:can(?:no|')t|cannot|couldn't|could not) (?:guarantee|promise|see|view|open|access|go wrong|wait|tell|help but|stress enough|be sure|count|verify|confirm|imagine|resist|wait)\b[^.!?\n]*"
    r"|\bif (?:you|it|this|that|i)(?:'re| are|'m| am)?[^.!?\n,]{0,30}\b(?:can't|cannot|couldn't|won't|unable to|not able to)\b[^.!?\n,]*"
    r"|\byou (?:can't|cannot|won't|couldn't)\b[^.!?\n,]*"
    r"|\b(?:can't|cannot|couldn't|wouldn't|could not) (?:be (?:happier|more|better))[^.!?\n]*"
    r"|\bwithout (?:any )?violat\w*|\b(?:does not|doesn't|did not|didn't|do not|don't|not) violat\w*|\bdon't hesitate\b[^.!?\n]*|\bwon't (?:take|be) (?:long|a)\b[^.!?\n]*"
)

# Announces a picture that is done. With no picture, that is a success claim over nothing.
CLAIMS = re.compile(
    r"\b(?:here(?:'s| is| are| you go| it is| they are)|there you (?:go|have it)|ta-?da\b|behold\b|below (?:is|are)|find (?:the|your) (?:\w+ )?(?:image|picture)\w* (?:below|above|attached)|i(?:'ve| have)?(?: just| now| also| gone ahead and)? (?:created|generated|made|drew|drawn|produced|rendered|updated|edited|adjusted|added|removed|changed|corrected|fixed|revised|redrawn|redrew|modified|transformed|turned|given|replaced|included|painted|illustrated|regenerated|applied|redone|reworked|swapped|kept)"
    r"|i(?:'ve| have) put|(?:the|your|this) (?:\w+ )?(?:image|picture|scene|photo|illustration|drawing|version)\b[^.!?\n]{0,20}\b(?:(?:is|are) (?:now )?(?:ready|complete|done|finished|below|above|attached|here)|has been (?:creat|generat|updat|edit|adjust|made|correct|fixed)|now (?:shows|has|features|includes|contains|depicts)|shows|features|depicts|contains)"
    r"|all (?:done|set)\b|(?:^|[.!] )(?:done|fixed|finished|ready)[!.:,]|now (?:there are|you(?:'ll| will)? see|with exactly|showing|featuring)|you(?:'ll| will| can)? now see|enjoy (?:your|the|this)|as (?:you )?requested\b|just as you asked"
    r"|aquí (?:está|tienes|tiene|van?)|list[oa][.!]|hecho[.!]|he (?:creado|generado|dibujado|hecho|actualizado|añadido)|voici|voilà|c'est (?:fait|prêt)|terminé|j'ai (?:créé|généré|dessiné|ajouté|modifié|fait|corrigé)"
    r"|hier (?:ist|sind|kommt|siehst)|erledigt|fertig[.!]|ich habe\b[^.!?\n]{0,60}\b(?:erstellt|generiert|gezeichnet|gemalt|angepasst|geändert|erzeugt|hinzugefügt|korrigiert)|ecco(?:ti)?\b|fatto[.!]|ho (?:creato|generato|disegnato|aggiunto|corretto)"
    r"|aqui (?:está|estão|vai|tem)|pronto[.!]|feito[.!]|(?:eu )?(?:criei|gerei|desenhei|adicionei)\b|hier (?:is|zijn)|klaar[.!]|ik heb\b[^.!?\n]{0,60}\b(?:gemaakt|gegenereerd|getekend|aangepast|toegevoegd)"
    r"|oto\b|gotowe|(?:stworzył|wygenerował|narysował|dodał)[ae]m|вот\b|готово|я (?:создал|нарисовал|сгенерировал|добавил)|işte|hazır(?:ladım)?\b|oluşturdum|çizdim|här är|här kommer|jag har\b[^.!?\n]{0,40}\b(?:skapat|ritat|lagt)|ось\b|я створи|ini dia|berikut|saya telah (?:membuat|menggambar)|đây là|tôi đã (?:tạo|vẽ))"
    r"|تفضل|إليك|لقد (?:أنشأت|رسمت)|यह रह|ये रह|बना दी|बना दिया|以下是|这是|這是|已(?:经)?(?:为您|为你|生成|创建|完成|画)|完成[了！!]|画好|どうぞ|こちらが|以下の|(?:描き|作成し|生成し|作り|追加し|修正し)ました|完成|작성했|생성했|그렸|완성|만들었|여기 있|다음은"
    r"|!\[[^\]]*\]\([^)]*\)|\[image[^\]]*\]|\"action\"\s*:\s*\"[^\"]*(?:dalle|image|text2im)[^\"]*\"|sandbox:/mnt"
)

# Agrees to do it; an announcement only when no question follows.
AGREES = re.compile(
    r"^(?:sure|certainly|of course|absolutely|no problem|got it|you got it|okay|with pleasure)\b|^\W*(?:claro|por supuesto|bien sûr|natürlich|gerne|certo|certamente|natuurlijk|oczywiście|proszę|конечно|elbette|tabii|självklart|tentu|chắc chắn rồi)\b|^(?:بالطبع|بالتأكيد|ज़रूर|बिल्कुल|好的|承知|かしこまり|はい|물론|네)"
)

# Not yet, or not quite: takes a claim back.
NOT_CLAIMS = re.compile(
    r"\b(?:i'll|i will|i'm going to|let me\b(?! know)|working on|i can\b(?!')|i could\b(?!n't)|i would\b|would you like me|do you want me|shall i|should i|before i|once you|just a moment|one moment|in progress|please wait|here(?:'s| is| are) (?:a |an |the |some |my |what |how |why )?(?:\w+ )?(?:description|prompt|question|option|idea|suggestion|alternative|example|list|outline|thing|text|detailed|way|plan|sketch of|what i|tips)s?)\b"
)

ASKS = re.compile(
    r"[?？؟][\s\"')\]*_]*$|\b(?:please (?:provide|describe|specify|clarify|tell|confirm|share)|could you (?:clarify|specify|tell|provide)|let me know (?:which|what|how))"
)
OFFERS = re.compile(
    r"\b(?:but|however|instead|alternatively|though)\b[^.!?\n]{0,60}\b(?:i can|i could|i'd be happy|happy to|would you like|how about|we could|i'm able)|\b(?:would you like me to|i can (?:instead|help|offer|describe|suggest)|i'd be (?:happy|glad) to|let me know if you'd like)"
    r"|\b(?:en su lugar|en cambio|à la place|stattdessen|in plaats daarvan|zamiast|вместо)\b|代わり|대신|可以(?:为您|帮)"
)

# A limit of use that is reached: nothing about the picture was objected to.
LIMITS = re.compile(
    r"\b(?:image|picture|generation|drawing|usage|message|request|rate|daily|monthly|hourly|weekly|free|plan|today's|account|quota)s?\b[^.!?\n]{0,40}\b(?:limit|cap|quota|allowance)s?\b[^.!?\n]{0,50}\b(?:reached|hit|exceeded|used up|exhausted|over|passed|resets?|ran out)\b"
    r"|\b(?:reached|hit|exceeded|used up|exhausted|over|run into|ran into|at)\b[^.!?\n]{0,40}\b(?:image|picture|generation|usage|rate|daily|monthly|hourly|weekly|today's|free|plan|request|your|the)\b[^.!?\n]{0,40}\b(?:limit|cap|quota|allowance)\b(?! of (?:what|my))"
    r"|\b(?:rate|usage|daily|monthly) (?:limit|cap|quota) (?:was |is |has been |have been )?(?:reached|hit|exceeded|resets)|\brate[- ]limited\b|\btoo ?many ?(?:\w+ ){0,2}requests\b|\b(?:used|spent) (?:all|up)\b[^.!?\n]{0,30}\b(?:images|pictures|credits|generations|quota)\b|\bout of (?:image |free )?(?:credits|generations)\b|\bquota (?:exceeded|exhausted|reached|used up)\b|^(?:error:? )?429\b|\bquota dépassée?\b|\b(?:kontingent|quote) (?:erschöpft|aufgebraucht|überschritten)|\b(?:cuota|cota) (?:excedid|agotad|esgotad)a|\bquota (?:superata|esaurita|overschreden|przekroczon)|(?:превышена|исчерпана) квота|квота (?:превышена|исчерпана)|额度不足|額度不足|횟수를 모두 사용|회를 모두 사용|\b(?:generating|creating|making|requesting|sending)\b[^.!?\n]{0,25}\btoo (?:quickly|fast|often|many)\b"
    r"|\b(?:no more|can't make any more|unable to (?:generate|make) (?:any )?more)\b[^.!?\n]{0,30}\b(?:images|pictures)\b[^.!?\n]{0,60}\b(?:today|this (?:hour|week|month)|right now|until|limit)"
    r"|l[íi]mite (?:diario|mensual|de (?:im[áa]genes|uso|solicitudes|generaciones|imagens|utiliza))|limite (?:quotidienne|journali[èe]re|mensuelle|d'images|d'utilisation|giornaliero|mensile|di (?:immagini|utilizzo|richieste)|diári[oa]|mensal)|\b(?:tages|monats|bild|nutzungs|anfrage)[- ]?limit|\blimit f[üu]r bilder|dagelijkse limiet|\blimiet\b[^.!?\n]{0,30}\b(?:bereikt|overschreden)|dzienny limit|limit\w* (?:obraz|zapyta)"
    r"|(?:дневн|суточн|месячн|денн|місячн)\w+ (?:лимит|ліміт)|(?:лимит|ліміт)\w*[^.!?\n]{0,30}(?:исчерпан|достигнут|превыш|вичерпан|досягн)|(?:достигли|исчерпали|досягли|вичерпали)[^.!?\n]{0,40}(?:лимит|ліміт)|(?:günlük|aylık|kullanım|görsel) (?:\w+ )?(?:sınır|limit|kota)\w*|giới hạn (?:hàng ngày|\w+ ảnh|hình ảnh|sử dụng)|đã đạt (?:đến )?giới hạn|batas (?:harian|gambar|penggunaan)|mencapai batas|(?:daglig|månads)\w*[^.!?\n]{0,10}(?:gräns|grense)|gräns för bilder"
    r"|(?:الحد|حد) (?:اليومي|الأقصى|الشهري)|تجاوزت (?:الحد|حصت)|सीमा (?:पूरी|समाप्त|पार)|(?:次数|额度|配额|限额)[^。！\n]{0,8}(?:已)?(?:用完|用尽|耗尽|达到|达上限|不足)|(?:达到|超过|超出|已达)[^。！\n]{0,12}(?:上限|限额|限制|额度)|请求过于频繁|請求過於頻繁|操作过于频繁|频率限制"
    r"|(?:上限|制限)[^。\n]{0,6}(?:に達し|を超え)|利用(?:上限|制限)|リクエストが多すぎ|(?:한도|제한)[^.\n]{0,6}(?:도달|초과|소진)|요청이 너무 많"
)

# Something broke while the picture was made: nothing about it was objected to.
FAULTS = re.compile(
    r"\b(?:an?|some|this|the|unexpected|internal|technical|server|network|system|temporary)\b[^.!?\n]{0,20}\b(?:errors?|glitch|hiccup|outage|malfunction)\b[^.!?\n]{0,30}\b(?:occurr?ed|happened|while|when|during|came up|prevented|on (?:our|my) (?:end|side)|with the (?:image|tool|service|server)|generating|making|creating|rendering)"
    r"|\b(?:encountered|ran into|run into|hit|experienc\w+|having|met)\b[^.!?\n]{0,20}\b(?:an? )?(?:(?:internal|technical|server|network|unexpected|temporary) )*(?:errors?|glitch|technical (?:issue|problem|difficult\w+)|server (?:issue|problem)|network (?:issue|problem))\b"
    r"|\btechnical (?:issue|problem|difficult\w+|glitch|fault)|\binternal (?:issue|problem|failure)\b|\bsnag\b|\bserver[- ]side\b|\b(?:on|at) (?:our|my|the server's) (?:end|side)\b|\b(?:heavy|high) (?:traffic|load|usage|volume)\b|\brequest\b[^.!?\n]{0,30}\bfailed with a time-?out|\bsomething (?:went|has gone|broke|failed)(?: wrong)?\b[^.!?\n]{0,40}\b(?:end|side|generat\w+|mak\w+|creat\w+|render\w+|drawing|picture|image|tool|server|while|when)\b|\bsomething went wrong[.!]|\b(?:image|picture|drawing|generation) (?:\w+ )?(?:service|tool|model|generator|server|request|generation)\b[^.!?\n]{0,30}\b(?:timed out|time-?out|failed\b(?! (?:the|our|to meet))|crashed|returned (?:an error|no)|(?:is|was|are|seems|isn't|wasn't|is not|was not)(?: currently| temporarily)? (?:down|unavailable|overloaded|busy|disabled|offline|not responding|responding|not working))"
    r"|\b(?:image|picture) generation (?:is|was) temporarily\b|\bconnection\b[^.!?\n]{0,40}\b(?:lost|reset|dropped|timed out|failed)\b|\b(?:at|over) capacity\b|\bhigh demand\b|\b(?:server|service|system|tool)s?\b[^.!?\n]{0,15}\b(?:overloaded|overwhelmed|too busy|busy|unavailable|down)\b|\btemporarily (?:unavailable|down|disabled)|\b(?:service|server|tool|api|model|backend)\b[^.!?\n]{0,15}\breturned an error|\b(?:image )?generation failed\b(?! because)|\btimed out\b|^error: |\berror code:? ?\d|\b(?:http|status|code) ?5\d\d\b"
    r"|(?:ocurri[óo]|se produjo|hubo|ocorreu|houve) (?:un |um )?error?o?|(?:une )?erreur (?:est survenue|s'est produite|lors de|pendant|technique|interne)|(?:ein )?(?:technischer )?fehler (?:ist )?(?:aufgetreten|beim|bei)|ist ein (?:\w+ )?fehler aufgetreten|(?:si è verificato|c'è stato) un (?:\w+ )?errore|er is een (?:\w+ )?fout|er ging iets mis|wystąpił (?:\w+ )?błąd|(?:произошла|возникла|сталася|виникла) (?:\w+ )?(?:ошибка|помилка)|bir (?:\w+ )?hata (?:oluştu|meydana)|đã xảy ra (?:\w+ )?lỗi|terjadi kesalahan|ett (?:\w+ )?fel (?:uppstod|inträffade)|något gick fel|\b(?:surchargé|saturé|temporairement indisponible|überlastet|ausgelastet|vorübergehend nicht (?:verfügbar|erreichbar)|saturad[oa]|sobrecargad[oa]|temporalmente no disponible|no disponible temporalmente|sobrecarregad[oa]|temporariamente indisponível|sovraccaric[oa]|temporaneamente non disponibile|overbelast|tijdelijk niet beschikbaar|przeciążon\w+|chwilowo niedostępn\w+|przegrążon\w+|перегружен\w*|временно недоступ\w+|перевантажен\w*|тимчасово недоступн\w+|överbelastad|aşırı yük\w*|geçici olarak kullanılamıyor|quá tải|kelebihan beban|sedang sibuk)"
    r"|حدث (?:\w+ )?خطأ|त्रुटि (?:हुई|हो गई|आई|आ गई)|(?:出现|发生|遇到)[^。！\n]{0,8}(?:错误|异常|故障|问题)|(?:系统|服务器?|服務)[^。！\n]{0,6}(?:繁忙|异常|故障|错误|不可用|超时)|生成失败|网络(?:错误|异常)|エラーが(?:発生|起き)|サーバー[^。\n]{0,8}(?:エラー|混雑|停止)|混雑して|混み合って|アクセスが集中|サービス[^。\n]{0,6}停止|過負荷|人数过多|排队人数|服务拥挤|高峰期|过载|超负荷|タイムアウト|혼잡하|과부하|접속자가 많|مشغول|الضغط على|अत्यधिक व्यस्त|오류가 (?:발생|났)|서버[^.\n]{0,8}(?:오류|혼잡|과부하)"
)
# What is said of an objection outranks what is said of limits and faults: "an error occurred: content policy".
OBJECTS = re.compile(
    r"violat|\bpolic(?:y|ies)\b|guideline|\bsafety\b|inappropriate|harmful|content filter|moderat|\bflagged\b|not allowed|not permitted|terms of (?:use|service)|política|politique|richtlinie|linee guida|polític|beleid|polity[ck]|политик|правил|政策|违规|敏感|规定|规范|ポリシー|ガイドライン|정책|سياس|नीति|politika|chính sách|kebijakan"
)
# Several possible reasons are listed and none is given: an apology, not an answer.
HEDGES = re.compile(
    r"\b(?:perhaps|maybe|possibly|might be|may be|could be|may have|might have|could have|might not|may not|it is possible that|can(?:no|')t always|cannot always|not always able|or because|still (?:learning|under development|in development|being developed|improving))\b"
    r"|\b(?:a few|several|some|many|various|different|a number of|a couple of|possible|multiple) (?:possible |potential |different )?reasons\b"
)
RECOVERED = re.compile(
    r"\b(?:sorry|apolog\w+) (?:for|about) (?:the|that|my) (?:\w+ )?(?:error|mistake|mix-?up|confusion)|\b(?:fixed|corrected) (?:the|my|that|this) (?:error|mistake)"
)

# Areas that a decline may name. Policy, guidelines, safety and "that" are not areas.
AREAS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("capability", r"\bnot? (?:images|pictures|photos)[^.!?\n]{0,10}only text|\bpictures?, only text\b|\bnot among my (?:tools|abilities|skills|capabilities)\b|\b(?:text|language)[ -](?:based|only|model)\b|only (?:work with|generate|produce|output|process|create|write|handle|answer in|chat in|talk in|reply in|respond in|speak in) text|(?:drawing|creating|generating|making|editing) (?:images|pictures|photos)\b[^.!?\n]{0,20}(?:not|isn't|is not|aren't) (?:supported|available|enabled|possible in)|(?:don't|do not|no longer) have (?:access to )?(?:an? |the |any )?(?:image|picture|drawing)|image (?:generation|creation)\b[^.!?\n]{0,30}(?:not (?:available|supported|enabled|something)|unavailable|disabled|isn't)|not (?:capable|equipped)|without (?:any )?image (?:tools|generation)|(?:don't|do not) (?:currently |yet )?have (?:the |any )?(?:ability|means|tools?|capabilit)|beyond my (?:current )?(?:capabilit|abilit)|\btext assistant|\b(?:pictures?|images?|drawings?)\b[^.!?\n]{0,25}\b(?:outside|beyond) (?:of )?what i can|sprachmodell|modelo de lenguaje|modèle de (?:langage|langue)|modello linguistico|modelo de linguagem|taalmodel|model(?:em)? językow|языковая модель|языковой модел|dil modeli|نموذج لغ|भाषा मॉडल|语言模型|語言模型|言語モデル|언어 모델|(?:don't|do not) have the (?:ability|capability|tools)|no image tool"),
        ("minors", r"\bminors?\b|\bchild(?:ren)?(?:'s)? (?:safety|abuse|exploit|sexual)|\bunderage|\bcsam\b|\bcontent (?:involving|of|with) (?:children|minors|kids)|involving (?:children|minors)|depict(?:s|ing)? (?:children|minors)|未成年|minderjährig|mineur|menores|minori|małoletni|несовершеннолет|미성년"),
        ("sexual", r"\bsexual|\bnudity|\bnude\b|\bnaked|\berotic|\bporn|\bexplicit (?:content|material|imagery)|\bsuggestive|\badult content|\bnsfw\b|色情|裸|sexuell|sexuel|sexuales|sessual|seksual|сексуал|эротич|性的|선정|성적|cinsel|جنسي|यौन|desnud|nackt"),
        ("violence", r"\bviolen|\bgore\b|\bgory\b|\bgraphic (?:content|injur)|\bblood|\bkilling|\binjur(?:y|ies|ed)|\bharm(?:ing)? (?:to |of )?(?:animals|people|others|someone|a person)|\banimal (?:cruelty|harm|abuse)|\btortur|\bgewalt|暴力|血腥|przemoc|насили|жесток|şiddet|عنف|हिंसा|폭력|geweld|violênc"),
        ("weapons", r"\bweapon|\bfirearm|\bguns?\b|\bexplosive|\bbombs?\b|武器|waffen|armes? à feu|armas|оруж|broń|무기|silah|أسلحة|हथियार"),
        ("self_harm", r"\bself[- ]?harm|\bsuicid|\beating disorder|自杀|自殺|自傷|selbstverletz|самоуб|자해|자살|intihar"),
        ("hate", r"\bhate(?:ful)?\b|\bdiscriminat|\bracis|\bslurs?\b|\bstereotyp|\bextremis|仇恨|歧视|hassrede|haine|odio|ненавист|nienawi|혐오|nefret|كراهية|घृणा|差別"),
        ("harassment", r"\bharass|\bbully|\bdefam|\bdemean|\binsult|骚扰|belästig|harcèl|acoso|molest"),
        ("illegal", r"\billegal|\billicit|\bunlawful|\bcriminal|\bdrugs?\b|\bnarcotic|违法|毒品|illegale?|незаконн|nielegaln|불법|yasa ?dışı|غير قانوني|अवैध|違法"),
        ("fraud", r"\bfraud|\bscam|\bdecepti|\bdeceiv|\bmislead|\bcounterfeit|\bforge(?:d|ry)|\bmisinformation|诈骗|betrug|estafa"),
        ("real_person", r"\bcelebrit|\bpublic figure|\breal (?:people|person|individual|human)|\blikeness|\bdeepfake|\bidentifiable|\bspecific (?:person|people|individual)|名人|公众人物|真实人物|prominente|personnalité|celebridad|personaggi pubblici|реальн\w+ люд|знаменит|实在人物|実在の人物|著名人|유명인|실존 인물|ünlü|مشاهير|मशहूर"),
        ("copyright", r"\bcopyright|\btrademark|\bthird[- ]party content|\bintellectual property|\bprotected (?:character|work)|\blicensed character|\bcharacters? (?:from|owned|belonging)|\bin the style of (?:a )?living artist|版权|版權|著作権|urheberrecht|droits? d'auteur|derechos de autor|diritt\w+ d'autore|direitos autorais|auteursrecht|praw\w* autorsk|авторск\w+ прав|저작권|telif|حقوق|कॉपीराइट"),
        ("personal_data", r"\bpersonal (?:data|information)|\bprivacy|\bprivate information|隐私|datenschutz|vie privée|privacidad|개인정보"),
        ("political", r"\bpolitic(?:al|ian|s)\b|\belection|\bcandidate|\bpropaganda|政治|politisch|(?:homme|femme|figure|sujet)s? politique|\bpolíticos?\b|eleccion|eleiç|élection|полити(?:ческ|к\w* деят)|정치|siyas|سياسي(?!ات)|राजनी"),
        ("medical", r"\bmedical|\bhealth (?:claim|advice)|\bdiagnos|医疗"),
        ("jailbreak", r"\bjailbreak|\bprompt injection|\bcircumvent|\bbypass"),
        ("dangerous", r"\bdangerous|\bhazard|\bunsafe (?:activit|behavio)|\bharmful (?:activit|behavio)|危险|gefährlich|dangereu|peligros|pericolos|опасн|위험|tehlikeli"),
        ("toxic_vulgar", r"\bvulgar|\bprofan|\bobscen|\btoxic|\boffensive"),
        ("people_face", r"\bfaces?\b(?= of)|\bhuman faces?|\bfacial"),
        # Said outright and without a "may", the policy is the reason given.
        ("policy", r"\b(?:query|request|prompt)\b[^.!?\n]{0,15}\bviolates? (?:the|our|my|your|a|this) policy\b"),
    )
)  # fmt: skip
