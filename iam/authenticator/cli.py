"""The command line."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from typing import Any, NamedTuple

from iam.authenticator import NAME, VERSIONS, cache, credentials
from iam.authenticator.failures import Failure, FileTrouble, Usage
from iam.authenticator.identities import AccessKey, Identity, Person, Trust, normalised

VERSION = "1.0"

_ENDS_EARLY_SECONDS = 30
"""kubectl is told that a token ends so much before it does: a request takes time."""
_EPILOG = """\
secrets:
  The secret key and the password are best not on the command line, where others on this machine can read them. They are
  taken from the environment (CCI_AK, CCI_SK, CCI_PASSWORD; also CCI_DOMAIN_NAME, CCI_USER_NAME), from standard input
  (--sk=- or --password=-), or asked for. A secret key is never sent: it signs a request that is good for one token.

exit codes:
  1 unforeseen   2 command line   3 wrong credentials   4 locked out   5 endpoint not reachable
  6 certificate not trusted   7 clock off   8 the endpoint refuses   9 a file cannot be read, written or merged

Tokens are kept in ~/.cci/cache (CCI_CACHE_DIR), readable by you alone.
"""


class ExecInfo(NamedTuple):
    """What kubectl tells in KUBERNETES_EXEC_INFO; nothing when it was not kubectl."""

    api_version: str = VERSIONS[0]
    server: str = ""
    pem: str = ""
    insecure: bool = False
    interactive: bool = True
    from_kubectl: bool = False


def main(arguments: list[str] | None = None) -> int:
    """The exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command is None:
        parser.print_help()
        return Usage.exit_code
    try:
        options.run(options)
    except Failure as failure:
        print(f"{NAME}: {failure}", file=sys.stderr)
        return failure.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


def token(options: argparse.Namespace) -> None:
    """Prints an ExecCredential, or the token alone. Raises Failure."""
    info = exec_info(os.environ.get("KUBERNETES_EXEC_INFO", ""))
    address = normalised(_address(options, info))
    trust = _trust(options, address, info)
    named, identity = _identity(options, interactive=info.interactive)
    if options.cache:
        caller = os.getppid() if info.from_kubectl else None
        entry = credentials.token(address, trust, named=named, identity=identity, caller=caller)
    else:
        entry = credentials.new(address, trust, identity())
    if options.token_only:
        print(entry.token)
        return
    expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(entry.expires - _ENDS_EARLY_SECONDS))
    status = {"token": entry.token, "expirationTimestamp": expires}
    print(json.dumps({"apiVersion": info.api_version, "kind": "ExecCredential", "spec": {}, "status": status}))


def generate_kubeconfig(options: argparse.Namespace) -> None:
    """Signs in once, so that what is written works. Raises Failure."""
    from iam.authenticator import kubeconfig
    from iam.authenticator.entries import Way, entries_of

    if not options.cci_endpoint:
        raise Usage("Say where CCI is: --cci-endpoint=https://HOST:PORT")
    server = normalised(options.cci_endpoint)
    address = normalised(options.iam_endpoint or server)
    trust = _trust(options, address, ExecInfo())
    named, identity_of = _identity(options, interactive=True)
    identity = identity_of()
    entry = credentials.new(address, trust, identity)
    if options.cache:
        cache.write(cache.path_of(address, named), entry)
    way = Way(_program(), address, trust, cached=options.cache, stores_secret=options.store_secret)
    entries = entries_of(server, way, identity, region=entry.region)
    if options.kubeconfig == "-":
        print(kubeconfig.merged("", entries, make_current=True), end="")
        return
    path = options.kubeconfig or kubeconfig.default_path()
    kubeconfig.update(path, entries, make_current=options.set_current)
    current = "which is current now" if options.set_current else "which is not made the current one"
    print(f"Wrote context {entries.context_name}, {current}, to {path}.\nTry: kubectl get namespaces")


def exec_info(text: str) -> ExecInfo:
    """Raises Usage for a version of the protocol that is not spoken here."""
    if not text:
        return ExecInfo(interactive=sys.stdin is not None and sys.stdin.isatty())
    try:
        said = json.loads(text)
        spec = said.get("spec") or {}
        cluster = spec.get("cluster") or {}
        version = said["apiVersion"]
    except (ValueError, KeyError, AttributeError, TypeError):
        raise Usage("KUBERNETES_EXEC_INFO is not what kubectl would say.") from None
    if version not in VERSIONS:
        raise Usage(f"kubectl asks in {version}. Write apiVersion: {VERSIONS[0]} into the kubeconfig's exec section.")
    return ExecInfo(
        api_version=version,
        server=cluster.get("server", ""),
        pem=_decoded(cluster.get("certificate-authority-data", "")),
        insecure=bool(cluster.get("insecure-skip-tls-verify")),
        interactive=bool(spec.get("interactive")),
        from_kubectl=True,
    )


def _decoded(data: str) -> str:
    import base64

    try:
        return base64.b64decode(data).decode()
    except ValueError:
        raise Usage("KUBERNETES_EXEC_INFO has a certificate-authority-data that is not base64.") from None


def _address(options: argparse.Namespace, info: ExecInfo) -> str:
    found = options.iam_endpoint or info.server
    if not found:
        raise Usage("Say where CCI's IAM is: --iam-endpoint=https://HOST:PORT")
    return str(found)


def _trust(options: argparse.Namespace, address: str, info: ExecInfo) -> Trust:
    """Flags before what kubectl says. TLS is checked unless somebody says otherwise. Raises Failure."""
    given = options.certificate_authority
    if options.insecure_skip_tls_verify or (info.insecure and not given):
        return Trust(insecure=True)
    if given.startswith("sha256:"):
        from iam.authenticator import endpoint

        return Trust(endpoint.authority(address, given[len("sha256:") :]))
    if given:
        try:
            with open(os.path.expanduser(given), encoding="utf-8") as file:
                return Trust(file.read())
        except (OSError, UnicodeDecodeError) as error:
            raise FileTrouble(f"--certificate-authority={given}: {error}") from None
    return Trust(info.pem)


def _identity(options: argparse.Namespace, *, interactive: bool) -> tuple[str, Any]:
    """How the identity is called in the cache, and a function that tells it with its secret. Raises Usage."""
    person_flags = options.domain_name or options.user_name or options.password
    if (options.ak or options.sk) and person_flags:
        raise Usage("Give either --ak and --sk, or --domain-name, --user-name and --password.")
    ak = options.ak or ("" if person_flags else os.environ.get("CCI_AK", ""))
    project = options.project_name
    if ak:
        return f"ak\0{ak}\0{project}", lambda: AccessKey(ak, _secret_key(options, ak, interactive), project)
    account = options.domain_name or os.environ.get("CCI_DOMAIN_NAME", "")
    user = options.user_name or os.environ.get("CCI_USER_NAME", "")
    if not account or not user:
        raise Usage("Say who you are: --ak=.. --sk=.., or --domain-name=ACCOUNT --user-name=USER.")
    return f"user\0{account}\0{user}\0{project}", lambda: _person(options, account, user, interactive)


def _person(options: argparse.Namespace, account: str, user: str, interactive: bool) -> Identity:
    what = f"Password of {account}/{user}"
    secret = _secret(options.password, "CCI_PASSWORD", "--password", what, interactive=interactive)
    return Person(account, user, secret, options.project_name)


def _secret_key(options: argparse.Namespace, ak: str, interactive: bool) -> str:
    return _secret(options.sk, "CCI_SK", "--sk", f"Secret key (SK) of {ak}", interactive=interactive)


def _secret(flag: str, variable: str, name: str, what: str, *, interactive: bool) -> str:
    """The flag, standard input for `-`, the environment, or the one who sits there. Raises Usage."""
    found = sys.stdin.readline().rstrip("\r\n") if flag == "-" else flag or os.environ.get(variable, "")
    if not found and flag != "-" and interactive:
        import getpass

        try:
            found = getpass.getpass(f"{what}: ")
        except EOFError:
            found = ""
    if not found:
        raise Usage(f"{what} is missing: put it into {variable}, or into standard input with {name}=-")
    return found


def _program() -> list[str]:
    """How kubectl starts this very program: by name when it is on the PATH, else by its place."""
    import shutil

    me = os.path.abspath(sys.argv[0])
    if sys.platform == "win32":
        return [sys.executable, me]
    found = shutil.which(NAME)
    if found and os.path.exists(me) and os.path.samefile(found, me):
        return [NAME]
    return [me] if os.access(me, os.X_OK) else [sys.executable, me]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        NAME,
        description="Signs kubectl in to CCI.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"{NAME} {VERSION}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", prog=NAME)
    _add_token(commands)
    _add_generate(commands)
    return parser


def _add_token(commands: Any) -> None:
    about = "print an ExecCredential for kubectl"
    parser = commands.add_parser("token", help=about, description=about, allow_abbrev=False)
    parser.set_defaults(run=token)
    parser.add_argument("--token-only", **_FLAG, default=False, help="print the token and nothing else")
    _add_common(parser)


def _add_generate(commands: Any) -> None:
    about = "sign in once and put a context into your kubeconfig"
    parser = commands.add_parser("generate-kubeconfig", help=about, description=about, allow_abbrev=False)
    parser.set_defaults(run=generate_kubeconfig)
    parser.add_argument("--cci-endpoint", default="", metavar="URL", help="the Kubernetes API, https://HOST:PORT")
    parser.add_argument(
        "--kubeconfig", default="", metavar="PATH", help="file to merge into (default: as kubectl); - prints it"
    )
    parser.add_argument(
        "--store-secret",
        **_FLAG,
        default=True,
        help="put the secret into the kubeconfig (on); off: kubectl asks, or the environment says",
    )
    parser.add_argument("--set-current", **_FLAG, default=True, help="make the context the current one (on)")
    _add_common(parser)


def _add_common(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--ak", default="", help="access key")
    add("--sk", default="", help="its secret key; - reads it from standard input")
    add("--domain-name", default="", metavar="ACCOUNT", help="account")
    add("--user-name", default="", metavar="USER", help="user of the account")
    add("--password", default="", help="the user's password; - reads it from standard input")
    add("--project-name", default="", metavar="REGION", help="refuse to sign in to any other region")
    add("--project-id", default="", metavar="ID", help="taken for the original's sake; there is one project here")
    add("--iam-endpoint", default="", metavar="URL", help="IAM, https://HOST:PORT (default: the Kubernetes API's)")
    add("--certificate-authority", default="", metavar="FILE|sha256:HEX", help="whom to trust (default: the system)")
    add("--insecure-skip-tls-verify", **_FLAG, default=False, help="trust anybody; whoever is in between reads along")
    add("--cache", **_FLAG, default=True, help="keep the token for the next kubectl (on)")


def _boolean(text: str) -> bool:
    if text.lower() in ("1", "t", "true"):
        return True
    if text.lower() in ("0", "f", "false"):
        return False
    raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")


_FLAG: dict[str, Any] = {"nargs": "?", "const": True, "type": _boolean, "metavar": "true|false"}
