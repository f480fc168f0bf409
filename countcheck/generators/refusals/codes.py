"""What providers' own codes, sentences and support numbers mean. Tables only; `countcheck.generators.refusals.classify` reads them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from countcheck.generators.outcome import Stage


class Sense(StrEnum):
    """What a code says of the picture that is not there."""

    REFUSED = "refused"
    DEFLECTED = "deflected"
    CLOSED = "closed"
    TRANSIENT = "transient"
    BAD_REQUEST = "bad_request"
    DAMAGED = "damaged"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Meaning:
    """A code's sense; ``category`` when the code itself names what is objected to."""

    sense: Sense
    category: str = ""
    stage: Stage = Stage.UNKNOWN


def compact(code: str) -> str:
    """A code as the tables spell it: letters and digits only, lower case (``contentFilter``, ``content_filter``)."""
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
        " NoCredentialsError PartialCredentialsError NoRegionError insufficient_credits key_model_access_denied API_KEY_INVALID",
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
        " image_generation_user_error api_error bad_request failed null none image_generation_call",
    ),
}

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

# Providers' (not assistants') sentences. An account that is closed comes first: it may speak of policy too.
CLOSED_WORDS = re.compile(
    r"api[ _-]?key (?:is |was )?(?:not valid|invalid|expired|missing|not found)|(?:incorrect|invalid|no|missing|bad) api[ _-]?key"
    r"|invalid (?:auth\w* )?(?:token|credential)|unable to locate credentials|exceeded your current quota"
    r"|billing (?:hard )?limit|insufficient (?:quota|credit|balance|fund)|(?:out of|not enough|no) (?:credit|balance|funds)"
    r"|payment required|organi[sz]ation must be verified"
    r"|account\b.{0,60}\b(?:deactivated|suspended|disabled|locked|banned|terminated|flagged)"
    r"|exhausted (?:your )?(?:balance|credit)|exhausted balance"
    r"|not (?:available|supported) in your (?:country|region|location)|location is not supported"
    r"|resource has been temporarily blocked|does not have access to (?:the )?model"
    r"|\bmodel\b.{0,80}\b(?:does not exist|not found|was not found|has been (?:deprecated|retired)|end of (?:its )?life|no longer available)"
    r"|only supported in gemini enterprise|your credit balance|monthly (?:included )?(?:spending|usage) (?:limit|credits)",
    re.IGNORECASE,
)
TRANSIENT_WORDS = re.compile(
    r"rate[ _-]?limit|too many requests|over(?:loaded| capacity)|time[d]?[ -]?out|temporarily unavailable|try again later"
    r"|out of memory|bad gateway|service unavailable|currently loading|queue (?:is )?full|connection (?:reset|refused|aborted|closed)"
    r"|internal (?:server )?error|server (?:had|has) an? (?:internal )?error|polling exceeded|interrupted|concurrent requests"
    r"|(?:checker|filter|moderation|classifier)\b[^.]{0,30}\b(?:failed\b(?! (?:the|your|this)\b)|(?:is|was) (?:down|unavailable)|could not be (?:reached|loaded))"
    r"|all nans|quota exceeded|resource (?:has been )?exhausted",
    re.IGNORECASE,
)
BLOCK_WORDS = re.compile(
    r"safety (?:system|filter|check|polic|guideline|setting|violation)|content[ _-](?:polic|filter|moderation|safety|guideline)"
    r"|moderation (?:system|filter|polic|rule|check)|(?:request|content|prompt|image|output|input)s? (?:was |were |is |has been |have been )?moderated"
    r"|flagged as|flagged by|(?:was|were|been|is) flagged|guardrails?\b|responsible ai|usage (?:guideline|polic)"
    r"|\bnsfw\b|blocked by (?:our|the)|sensitive (?:word|content|information)|inappropriate (?:content|material)|unsafe (?:text|content|prompt|image|output)"
    r"|failed the safety|prohibited (?:content|use)|violat\w+ (?:of )?(?:our|the|google|its|their|any|community|content|usage|terms)"
    r"|against (?:our|the) (?:polic|guideline|rule|terms)|filter reason|filtered out|did not respect moderation|harmful content"
    r"|sensitive content ?detected|content inspection|prompt could(?: not|n't) be submitted",
    re.IGNORECASE,
)
