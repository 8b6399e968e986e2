"""Google's Application Default Credentials, of a file or of a VM, and clients that sign with them."""

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from provision import __version__
from provision.clouds.gce.api.translate import translated
from provision.clouds.gce.settings import Settings

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

Client = TypeVar("Client")
SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)


def ambient_project() -> str:
    """The project of credentials that are in no file, as on a VM of Google's; '' where none are."""
    try:
        import google.auth
        from google.auth.exceptions import GoogleAuthError
    except ModuleNotFoundError:
        return ""
    try:
        return google.auth.default()[1] or ""
    except GoogleAuthError:
        return ""


def credentials_of(settings: Settings) -> "Credentials":
    """Application Default Credentials; for an emulator its key, or none. Raises NoCredentials."""
    import google.auth
    from google.auth.credentials import AnonymousCredentials, with_scopes_if_required

    file = settings.credentials_file
    if file is None and settings.plain:
        return AnonymousCredentials()
    # Google's library warns on stderr: of users' own credentials, and of files we did not write. No
    # catch_warnings: at its end it would undo what another thread has meanwhile said of warnings.
    warnings.filterwarnings("ignore", module=r"google\.auth\b")
    with translated("sign in"):
        found = google.auth.load_credentials_from_file(f"{file}") if file else google.auth.default()
    credentials: Credentials = with_scopes_if_required(found[0], None, default_scopes=SCOPES)
    return tokens_of(credentials) if settings.plain else credentials


def tokens_of(inner: "Credentials") -> "Credentials":
    """Credentials that sign with another's tokens and do nothing else, for an emulator.

    As they come, those of google-auth 2.62 show their token to iamcredentials.googleapis.com too,
    whatever the endpoint (``CredentialsWithRegionalAccessBoundary``).
    """
    from google.auth.credentials import Credentials

    class Tokens(Credentials):
        def refresh(self, request: Any) -> None:
            inner.refresh(request)
            self.token, self.expiry = inner.token, inner.expiry

    return Tokens()  # type: ignore[no-untyped-call] # its __init__ is Google's


def client_of(kind: Callable[..., Client], settings: Settings, credentials: Any) -> Client:
    """A client of Google's library, over HTTP. Raises ServiceFailure."""
    from google.api_core.client_options import ClientOptions
    from google.api_core.gapic_v1.client_info import ClientInfo

    with translated("connect"):
        return kind(
            credentials=credentials,
            client_options=ClientOptions(api_endpoint=settings.endpoint or None),
            client_info=ClientInfo(user_agent=f"provision/{__version__}"),
            transport="rest",
        )
