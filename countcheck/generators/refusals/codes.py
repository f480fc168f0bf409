"""What services' codes, sentences and support numbers mean, whoever sends them. `classify` reads these tables.

What only one provider's codes mean stands in that provider's file.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from enum import StrEnum

from countcheck.generators.outcome import Stage


class Sense(StrEnum):
    """What a code says of the missing picture."""

    REFUSED = "refused"
    DEFLECTED = "deflected"
    CLOSED = "closed"
    TRANSIENT = "transient"
    BAD_REQUEST = "bad_request"
    DAMAGED = "damaged"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code means; ``category`` is empty unless the code itself names what is objected to."""

    sense: Sense
    category: str = ""
    stage: Stage = Stage.UNKNOWN
    guessed: bool = False  # read by the words of a code that no table knows


def compact(code: str) -> str:
    """Spell a code as the tables do: letters and digits only, lower case.

    >>> compact("content_filter") == compact("contentFilter")
    True
    """
    return re.sub(r"[^a-z0-9]+", "", code.casefold())


def code_table(sense: Sense, codes: str, *, category: str = "", stage: Stage = Stage.UNKNOWN) -> dict[str, Meaning]:
    """Give several codes, separated by spaces, one meaning. A code that ends in ``*`` stands for all that begin so.

    >>> sorted(code_table(Sense.CLOSED, "no_money NoKey auth*"))
    ['auth*', 'nokey', 'nomoney']
    """
    return {compact(code) + "*" * code.endswith("*"): Meaning(sense, category, stage) for code in codes.split()}


# Codes that mean the same whoever sends them.
ANYBODY: dict[str, Meaning] = {
    **code_table(
        Sense.REFUSED,
        "moderation_blocked content_policy_violation contentFilter ResponsibleAIPolicyViolation invalid_prompt"
        " content_moderation content_filtered DataInspectionFailed data_inspection_failed content_blocked"
        " safety_violation nsfw_content nsfw_detected prompt_blocked output_blocked sensitive_content E005",
    ),
    **code_table(Sense.REFUSED, "request_moderated", stage=Stage.PROMPT),
    **code_table(Sense.REFUSED, "content_moderated", stage=Stage.PICTURE),
    **code_table(Sense.REFUSED, "image_content_policy_violation", category="image_content_policy_violation"),
    **code_table(Sense.REFUSED, "bio_policy", category="bio_policy"),
    **code_table(Sense.REFUSED, "misalignment_policy_violation", category="misalignment_policy_violation"),
    **code_table(Sense.REFUSED, "guardrail_intervened", category="org_policy"),
    **code_table(Sense.DEFLECTED, "no_media_generated"),
    **code_table(
        Sense.CLOSED,
        "insufficient_quota credit_balance_exhausted organization_spend_limit_exceeded project_spend_limit_exceeded"
        " organization_usage_limit_exceeded billing_hard_limit_reached billing_not_active invalid_api_key"
        " invalid_authentication authentication_error account_deactivated account_suspended model_not_found"
        " permission_denied permission_error unauthenticated unauthorized payment_required budget_exceeded"
        " AccessDeniedException ResourceNotFoundException ServiceQuotaExceededException UnrecognizedClientException"
        " ExpiredTokenException InvalidSignatureException DeploymentNotFound PUP_LIMITED_DISABLED"
        " NoCredentialsError PartialCredentialsError NoRegionError insufficient_credits key_model_access_denied API_KEY_INVALID"
        " unsupported_country_region_territory quota_per_day quota_of_zero Arrearage AccountOverdue AccountOverdueError InsufficientBalance InvalidApiKey",
    ),
    **code_table(
        Sense.TRANSIENT,
        "rate_limit_exceeded slow_down server_is_overloaded server_error overloaded overloaded_error too_many_requests"
        " ThrottlingException ModelTimeoutException ModelNotReadyException ServiceUnavailableException"
        " InternalServerException ModelErrorException unavailable deadline_exceeded internal_error"
        " request_timeout startup_timeout runner_scheduling_failure runner_connection_timeout runner_disconnected"
        " runner_connection_refused runner_connection_error runner_incomplete_response runner_server_error"
        " client_disconnected generation_timeout downstream_service_error downstream_service_unavailable"
        " internal_server_error E1000 E1001 E001 canceled cancelled interrupted inference_error NansException"
        " OutOfMemoryError content_filter_error vector_store_timeout aborted engine_overloaded",
    ),
    **code_table(
        Sense.BAD_REQUEST,
        "invalid_image_file image_too_large image_too_small invalid_image invalid_image_format image_parse_error"
        " invalid_input_fidelity_model unknown_parameter unsupported_parameter unsupported_value invalid_value"
        " invalid_base64_image invalid_image_url invalid_image_mode image_file_too_large unsupported_image_media_type"
        " empty_image_file failed_to_download_image image_file_not_found"
        " invalid_type missing_required_parameter string_above_max_length integer_above_max_value max_output_tokens"
        " max_tokens value_error missing invalid_size context_length_exceeded file_too_large too_many_images"
        " previous_response_not_found",
    ),
    **code_table(
        Sense.DAMAGED,
        "JSONDecodeError APIResponseValidationError UnknownApiResponseError ValidationError malformed_answer DecodingError"
        " ResponseParserError",
    ),
    **code_table(
        Sense.NOTHING,
        "stop completed complete success succeeded ready ok end_turn error invalid_request_error invalid_request"
        " image_generation_user_error api_error bad_request failed null none image_generation_call invalid_argument"
        " failed_precondition",
    ),
}

# How the words of a code that no table knows are read, first match wins. A code about the filter itself (its level, its
# failure) is no refusal.
_TOKEN_RULES: tuple[tuple[Sense, re.Pattern[str]], ...] = tuple(
    (sense, re.compile(pattern))
    for sense, pattern in (
        (Sense.TRANSIENT, r"\brate limit|\btoo many\b|\bthrottl|\boverload|\bbusy\b|\btime ?outs?\b|\btimed out\b|\bunavailable\b|\btry again\b|\bslow down\b|\bconcurren|\bqps\b|\brpm\b"),
        (Sense.BAD_REQUEST, r"\binvalid (?!prompt|content|image content)|\bunsupported\b|\bmalformed\b|\bmissing\b|\bunknown (?:param|field|value|arg)|\b(?:level|setting|threshold|parameter|param|tolerance)s?\b|\bout of range\b|\bempty\b|\btoo (?:long|large|big)\b|\bstring type\b"),
        (Sense.TRANSIENT, r"\b(?:filter|checker|classifier|moderation|safety)\b.*\b(?:error|failed|failure|down)\b"),
        (Sense.REFUSED, r"\bunsafe\b|\bsafety\b|\bmoderat|\brefus(?:al|ed|es)\b|\brestricted\b|\billegal (?:content|text|image|word|detected)|\b(?:text|image) illegal\b|\bforbidden (?:content|words?|terms?)|^(?:blocked|rejected|censored|withheld)$|\bnsfw\b|\bsensitive\b|\bprohibited\b|\bflagged\b|\bfilter(?:ed)?\b|\bcontent (?:policy|violation|blocked|rejected)|\bpolicy violation|\bviolation\b|\bbanned words?\b|\binappropriate\b|\b(?:prompt|image|content|output|input) (?:blocked|rejected|refused|denied)\b"),
        (Sense.CLOSED, r"\bquota\b|\bbilling\b|\bcredits?\b|\bbalance\b|\barrear|\boverdue\b|\bsuspended\b|\bdeactivated\b|\bunauthori[sz]ed\b|\bunauthenticated\b|\bauthentication\b|\bapi key\b|\bapikey\b"),
        (Sense.TRANSIENT, r"\bresource exhausted\b"),
    )
)  # fmt: skip


@functools.lru_cache(maxsize=4096)
def meaning_by_words(code: str) -> Meaning | None:
    """Read a code that no table knows by the words it is made of; ``None`` when they say nothing.

    >>> str(meaning_by_words("moderation_blocked_v2").sense), str(meaning_by_words("rate_limit_error").sense)
    ('refused', 'transient')
    >>> meaning_by_words("X-77") is None
    True
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", code)
    words = " ".join(re.findall(r"[a-z]+", spaced.lower()))
    return next((Meaning(sense, guessed=True) for sense, pattern in _TOKEN_RULES if pattern.search(words)), None)


# Categories and support codes that say that something was objected to, but not what.
SAYS_NOTHING = frozenset(
    compact(word)
    for word in ("other", "prohibited content", "unknown", "unspecified", "none", "blocked", "policy", "safety")
)

# Google's support codes (the number after "Support codes:" or "Error Code:"): category and stage.
SUPPORT_CODES: dict[str, tuple[str, Stage]] = {
    "58061214": ("child", Stage.PROMPT),
    "17301594": ("child", Stage.PICTURE),
    "29310472": ("celebrity", Stage.PROMPT),
    "15236754": ("celebrity", Stage.PICTURE),
    "64151117": ("celebrity or child", Stage.UNKNOWN),
    "62263041": ("dangerous content", Stage.PROMPT),
    "57734940": ("hate", Stage.PROMPT),
    "22137204": ("hate", Stage.PICTURE),
    "42876398": ("", Stage.PROMPT),
    "29578790": ("", Stage.PICTURE),
    "74803281": ("", Stage.PICTURE),
    "39322892": ("people/face", Stage.PICTURE),
    "92201652": ("personal information", Stage.PROMPT),
    "89371032": ("", Stage.PROMPT),
    "49114662": ("", Stage.PICTURE),
    "72817394": ("", Stage.PICTURE),
    "90789179": ("sexual", Stage.PROMPT),
    "63429089": ("sexual", Stage.PICTURE),
    "43188360": ("sexual", Stage.PICTURE),
    "35561574": ("third-party content", Stage.UNKNOWN),
    "35561575": ("third-party content", Stage.UNKNOWN),
    "78610348": ("toxic", Stage.PROMPT),
    "61493863": ("violence", Stage.PROMPT),
    "56562880": ("violence", Stage.PICTURE),
    "32635315": ("vulgar", Stage.PROMPT),
}
SUPPORT = re.compile(r"(?:support codes?|error codes?)\s*:?\s*((?:\d{8}[,;\s]*)+)", re.IGNORECASE)
VIOLATIONS = re.compile(r"safety_violations\s*=\s*\[([^\]]*)\]", re.IGNORECASE)

# Services' (not assistants') sentences. An account that is closed comes first: it may speak of policy too.
CLOSED_WORDS = re.compile(
    r"api[ _-]?key (?:is |was )?(?:not valid|invalid|expired|missing|not found)|(?:incorrect|invalid|no|missing|bad) api[ _-]?key"
    r"|invalid (?:auth\w* )?(?:token|credential)|unable to locate credentials|exceeded your current quota|authentication (?:error|failed|required)"
    r"|billing (?:hard )?limit|billing is not enabled|insufficient (?:quota|credit|balance|fund)|(?:out of|not enough) (?:credit|balance|funds)"
    r"|\bno (?:more )?(?:credits?|balance|funds)\b(?! (?:were|was|have been|has been|will be|are|is) (?:charged|used|deducted|consumed|spent))"
    r"|payment (?:required|needed)|\bunauthori[sz]ed\b|\bspend(?:ing)? (?:cap|limit)\b|\bmonthly\b.{0,25}\b(?:cap|quota)\b|\b(?:trial|subscription|token|licen[cs]e) (?:has |is )?expired\b|organi[sz]ation must be verified|\barrears?\b|\boverdue (?:balance|payment|bill)|account (?:is )?in good standing"
    r"|account\b.{0,60}\b(?:deactivated|suspended|disabled|locked|banned|terminated|flagged|overdue)"
    r"|exhausted (?:your )?(?:balance|credit)|exhausted balance|please (?:log|sign) ?in\b|login first|\blimit: 0\b"
    r"|not (?:available|supported) in your (?:country|region|location)|location is not supported"
    r"|resource has been temporarily blocked|does not have access to (?:the )?model|permission to use this model"
    r"|\bmodel\b.{0,80}\b(?:does not exist|not found|was not found|has been (?:deprecated|retired)|end of (?:its )?life|no longer available)"
    r"|\bmodel (?:identifier|id|name)\b.{0,60}\b(?:invalid|unknown|not valid|not found|not recogni[sz]ed)|\b(?:unknown|no such|invalid) model\b"
    r"|only supported in gemini enterprise|your credit balance|monthly (?:included )?(?:spending|usage) (?:limit|credits)"
    r"|欠费|签名错误|无权限|未授权|密钥|余额不足|余额已|账户(?:已)?(?:停用|冻结|封禁)|鉴权失败|密钥(?:无效|错误|不存在)|未开通|残高不足|クレジットが(?:不足|なく)|잔액(?:이)? 부족|크레딧(?:이)? 부족"
    r"|saldo (?:insuficiente|insufficiente|agotado)|crédits? (?:insuffisants?|épuisés?)|solde insuffisant|guthaben (?:aufgebraucht|reicht nicht|erschöpft)|nicht genügend guthaben"
    r"|недостаточно (?:средств|кредит)|niewystarczając\w+ (?:saldo|środk)|yetersiz bakiye|saldo tidak cukup|không đủ (?:số dư|tín dụng)|onvoldoende (?:saldo|tegoed)|رصيد غير كاف|अपर्याप्त शेष",
    re.IGNORECASE,
)
TRANSIENT_WORDS = re.compile(
    r"rate[ _-]?limit|too many (?:\w+ ){0,2}(?:requests|jobs|calls|tasks|images)|over(?:loaded| capacity)|time[d]?[ -]?out|temporarily unavailable|try again (?:later|in)"
    r"|out of memory|bad gateway|service unavailable|currently loading|(?:model|server|pipeline|service) is (?:loading|starting|warming|being loaded|busy)|warming up|cold start"
    r"|queue (?:is )?full|connection (?:reset|refused|aborted|closed)|internal (?:server )?error|server (?:had|has) an? (?:internal )?error|polling exceeded|interrupted"
    r"|concurrent (?:requests|jobs)|another request is in progress|(?:requests?|qps|rpm)\b.{0,20}\b(?:limit reached|exceeded your limit|exceeded the limit)|request limit"
    r"|(?:checker|filter|moderation|classifier)\b[^.]{0,30}\b(?:failed\b(?! (?:the|your|this)\b)|crashed|timed out|(?:is|was) (?:down|unavailable)|could not be (?:reached|loaded)|(?:is|being) (?:being )?loaded|did not respond|is warming up)"
    r"|all nans|quota exceeded|resource (?:has been )?exhausted|just a moment|checking your browser|attention required! \| cloudflare"
    r"|请求过(?:于频繁|多)|超限|限频|超过限制|内部错误|系统错误|服务异常|人数过多|过载|频率(?:过高|限制|超限)|并发(?:数)?过高|系统繁忙|服务(?:繁忙|不可用|暂不可用)|稍后(?:再试|重试)|限流|超时|リクエストが多すぎ|混雑して|タイムアウト|しばらくして(?:から)?|요청이 너무 많|잠시 후|혼잡|시간 초과"
    r"|demasiadas solicitudes|límite de (?:solicitudes|velocidad)|trop de requêtes|limite de (?:débit|requêtes)|zu viele anfragen|troppe richieste|muitas (?:solicitações|requisições)|limite de (?:solicitações|requisições)"
    r"|te veel verzoeken|zbyt wiele żądań|слишком много запросов|çok fazla istek|quá nhiều yêu cầu|terlalu banyak permintaan|för många förfrågningar|занадто багато запитів|طلبات كثيرة|बहुत अधिक अनुरोध",
    re.IGNORECASE,
)
BLOCK_WORDS = re.compile(
    r"safety (?:system|filter|check|polic|guideline|setting|violation)|content[ _-](?:polic|filter|moderation|safety|guideline)"
    r"|moderation (?:system|filter|polic|rule|check)|(?:request|content|prompt|image|output|input)s? (?:was |were |is |has been |have been )?moderated"
    r"|flagged as|flagged by|(?:was|were|been|is) flagged|\b(?:prompt|input|text|image|content|request|output)s? flagged|guardrails?\b|responsible ai|usage (?:guideline|polic)"
    r"|\bnsfw\b|blocked by (?:our|the)|sensitive (?:word|content|information|prompt|text)|\b(?:text|prompt|input|image) (?:is )?sensitive\b|inappropriate (?:content|material)|unsafe (?:text|content|prompt|image|output)"
    r"|failed the safety|prohibited (?:content|use)|violat\w+ (?:of )?(?:our|the|google|its|their|any|community|content|usage|terms)"
    r"|against (?:our|the) (?:polic|guideline|rule|terms)|filter reason|filtered out|did not respect moderation|harmful content|banned (?:words?|terms?)|forbidden (?:words?|terms?|content)|\brefused to (?:generate|create|draw|process|make)\b"
    r"|sensitive content ?detected|content inspection|prompt could(?: not|n't) be submitted|(?:prompt|input|request|image) (?:was |is |has been )?(?:rejected|blocked|refused) by (?:the |our |an? )?\w*|\bfiltered by the safety"
    r"|\b(?:prompt|image|content|input|request) (?:was |is |has been )?(?:rejected|blocked)\b|\bmay contain inappropriate\b|\bunavailable for legal reasons"
    r"|filtro de (?:seguridad|contenido|segurança|conteúdo)|filtre de (?:sécurité|contenu)|(?:inhalts|sicherheits)filter|filtro (?:di sicurezza|dei contenuti)|фильтр\w* (?:безопасности|контента)|敏感|违规|違規|不合规|不安全|内容安全|审核(?:不通过|未通过|失败)|风控|涉嫌|违禁|不当内容|不適切|センシティブ|コンテンツポリシー|부적절|민감한|콘텐츠 정책",
    re.IGNORECASE,
)
# Sentences that name a fault of the request itself.
BAD_REQUEST_WORDS = re.compile(
    r"\bunrecogni[sz]ed\b|\bunknown (?:parameter|field|value|argument|option|keyword)|\bunexpected (?:keyword|field|argument|parameter)"
    r"|\binvalid (?!prompt\b|content\b|request\b|input\b|auth|token|credential|api|model)|\b(?:must|should) be\b|\bmust (?:not )?(?:have|contain|match)\b|\bunsupported\b|\bnot supported\b|\bdoes(?: not|n't) support\b"
    r"|\bis required\b|\bfield required\b|\bmissing (?:required )?(?:parameter|field|argument)|\btoo (?:long|large|small|big|short|many (?:tokens|characters|images|pixels))\b|\bmaximum (?:\w+ )?(?:length|size|number)"
    r"|\bout of range\b|\bnot a valid\b|\bvalidation error|\bcould not (?:be )?pars|\bmalformed\b|\bnot (?:one|among) of\b|\bexceeds? the (?:maximum|limit of)\b|\bfailed validation\b|\bnot in list\b|\bwrong type\b|\bis empty\b|\bmust not be (?:empty|blank)|\b(?:bad|wrong|incorrect) (?:parameter|value|argument|size|ratio|format)|\bis (?:wrong|incorrect)\b"
    r"|参数(?:有误|错误|无效|不合法)|缺少参数|パラメータ|パラメーター|잘못된 (?:매개변수|파라미터)|parámetro (?:inválido|no válido)|paramètre invalide|ungültiger parameter|parametro non valido|parâmetro inválido|неверный параметр",
    re.IGNORECASE,
)
# Words that make a sentence about filters a refusal even where it also names a fault of the request.
REFUSES = re.compile(
    r"violat|\bflagged\b|\brejected\b|\bblocked\b|\brefused\b|\bdeclin|\bprohibited\b|\bfiltered\b|\bdenied\b|\bnot (?:allowed|permitted)\b|\binappropriate\b|\bunsafe\b|违规|敏感",
    re.IGNORECASE,
)
