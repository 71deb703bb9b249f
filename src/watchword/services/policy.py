"""What a centre has decided about logins."""

from dataclasses import dataclass, field

from watchword.domain.lockout import LockoutPolicy
from watchword.domain.otp import OtpProfile


@dataclass(frozen=True, slots=True)
class LoginPolicy:
    """What a centre has decided about logins; times in seconds."""

    lockout: LockoutPolicy = field(default_factory=LockoutPolicy)
    drift_seconds: int = 300
    tries: int = 3
    challenge_seconds: int = 600
    prompt: str = "Token code: "
    refused: str = "Access refused."
    sent_code_seconds: int = 600
    sent_code_text: str = "{code} is your token code."

    def steps_around(self, middle: int, profile: OtpProfile) -> range:
        """List the steps whose codes are accepted: the drift of many logins does not add up."""
        reach = self.drift_seconds // profile.period_seconds
        return range(middle - reach, middle + reach + 1)
