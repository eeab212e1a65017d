"""Refuse answers that would make a project that does not work, in one sentence, before anything is written.

A Jinja extension that cookiecutter.json uses, and not a pre-generation hook: when a hook fails, cookiecutter prints a
traceback around its message and has made folders already. It refuses, and computes nothing: `cruft update` renders the
new release with the old one's extension (https://github.com/cruft/cruft/issues/253).
"""

import keyword
import posixpath
import re
import sys
from collections.abc import Mapping

from jinja2 import Environment
from jinja2.ext import Extension

# A package of one of these names would hide a module that the project, or what it installs, imports; or pip would take it for a
# library of that name that the project requires.
TAKEN = set(
    """
    adlfs aiobotocore aiohappyeyeballs aiohttp aiohttp_retry aioitertools aiosignal amqp annotated_doc
    annotated_types antlr4 antlr4_python3_runtime appdirs asyncssh atpublic attr attrs azure_identity billiard
    botocore celery certifi cffi charset_normalizer cleanlab click click_didyoumean click_plugins click_repl
    cloudpickle colorama conf configobj contourpy cookiecutter cryptography cycler data datapass dateutil dictdiffer
    diskcache distro dotenv dpath dulwich dvc dvc_azure dvc_data dvc_gs dvc_http dvc_objects dvc_render dvc_s3
    dvc_ssh dvc_studio_client dvc_task entrypoints et_xmlfile filelock flatten_dict flufl flufl_lock fonttools
    frozenlist fsspec functorch funcy gcsfs git gitdb gitpython grandalf gto hydra hydra_core idna isympy
    iterative_telemetry jinja2 jmespath joblib kiwisolver kombu lightning lightning_fabric lightning_utilities
    markdown_it markdown_it_py markupsafe matplotlib mdurl models mpl_toolkits mpmath multidict narwhals networkx
    numpy omegaconf openpyxl orjson packaging pandas pathspec pil pillow platformdirs prettytable prompt_toolkit
    propcache psutil public pyarrow pycparser pydantic pydantic_core pydantic_settings pydevd_plugins pydot pygit2
    pygments pygtrie pylab pyparsing pytest python_dateutil python_dotenv pytorch_lightning pyyaml reports requests
    rich ruamel ruamel_yaml s3fs safetensors scikit_learn scipy scmrepo semver setuptools shellingham shortuuid
    shtab six sklearn skops smmap sqltrie src sshfs sympy tabulate termcolor tests threadpoolctl tomlkit torch
    torchgen torchmetrics tqdm typer typing_extensions typing_inspection tzlocal urllib3 validate vine voluptuous
    wcwidth wrapt yaml yarl zc zc_lockfile
    """.split()  # noqa: SIM905
)


# Of letters, at most: a folder's name is in many paths, which some systems end at 260; the others stand in one line.
LONGEST = {"project_slug": 60, "project_name": 100, "author": 200, "description": 300, "dvc_remote": 300}

AFTERWARDS = "answer none, and type `dvc remote add --default storage URL` in the project"
FORMS = "answer none, a folder such as ../storage, or a URL that begins with s3://, gs://, azure:// or ssh://"
# What DVC knows beside the four that are asked for.
OTHER_SCHEMES = {"gdrive", "hdfs", "http", "https", "oss", "remote", "webdav", "webdavs", "webhdfs"}
# The stores' own rules of names.
STORES = {
    "s3": ("an S3 bucket", r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "3 to 63 small letters, digits, '-' and '.'"),
    "gs": (
        "a Google Cloud bucket",
        r"(?=.{3,222}$)(?!goog)[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?)*",
        "3 to 63 small letters, digits, '-' and '_', or several such names with '.' between them",
    ),
    "azure": (
        "an Azure container",
        r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*",
        "3 to 63 small letters, digits and single '-'",
    ),
}
DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}
ADDRESS = r"\d+\.\d+\.\d+\.\d+"
SECRET = re.compile(
    r"://[^/@]*:(?!\d+/)[^@]*@"  # user:password@
    r"|^(?!ssh:)[a-z]\w*://[^/]*@"
    r"|\b(AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|(account|access|secret|shared|api)[a-z_-]*key(_?id)?=|[?&;]sig="
    r"|(secret|signature|password|passphrase|token|credential|x-(amz|goog)-[a-z-]+)=",
    re.IGNORECASE,
)


def objection(answers: Mapping[str, object]) -> str | None:
    """Return what is wrong with the answers and what to answer instead, or None."""
    name, slug, package = (str(answers[key]) for key in ("project_name", "project_slug", "__package"))
    remote = str(answers["dvc_remote"])
    if SECRET.search(remote):  # before all that quotes an answer
        return (
            "dvc_remote holds what looks like a password, key or signature, and would be in Git; answer it without, and give the "
            "secret to DVC in the environment or by `dvc remote modify --local storage ...`, which Git ignores."
        )
    for question in ("project_name", "description", "author", "dvc_remote"):
        answer = str(answers[question])
        if not answer.isprintable():
            return f"{question} must be one line of printable text; {answer!r} is not."
        template = re.search(r"\{[{%#]", answer)
        if template:
            return f"{question} must not hold {template.group()!r}, which cookiecutter takes for a template when it renders again."
    for question, most in LONGEST.items():
        length = len(str(answers[question]))
        if length > most:
            return f"{question} has {length} letters; choose one of at most {most}."
    if not name.strip():
        return "The project needs a name, for example 'Street signs'."
    if not re.fullmatch(
        r"[A-Za-z]([A-Za-z0-9._-]*[A-Za-z0-9])?", slug
    ):  # as pip asks of a name, and Windows of a folder
        return (
            f"The folder name {slug!r} must begin with a letter, end with a letter or digit, and hold only letters, digits, '-', '_' and '.'; "
            "choose another name, or answer project_slug yourself."
        )
    if slug.partition(".")[0].casefold() in DEVICES:
        return (
            f"The folder name {slug!r} is a device of Windows, which can have no folder of that name; choose another."
        )
    if not package.isidentifier() or keyword.iskeyword(package):
        return f"The folder name {slug!r} gives the Python package {package!r}, which Python cannot import; choose another."
    if package in TAKEN or package in sys.stdlib_module_names:
        return f"The Python package {package!r} would hide a library of that name; choose another, such as '{slug}-project'."
    return remote_objection(remote, slug)


def remote_objection(remote: str, slug: str) -> str | None:
    """Return what is wrong with the DVC remote of the project in folder `slug`, or None. It stands in quotes in .dvc/config."""
    if remote == "none":
        return None
    if not remote.strip():
        return f"dvc_remote is empty; {FORMS}."
    if remote != remote.strip():
        return "dvc_remote begins or ends with a blank; leave it out."
    unfit = re.search(r'"|%\(', remote)
    if unfit:
        return f"dvc_remote must not hold {unfit.group()!r}, which .dvc/config cannot hold; choose another place."
    scheme, is_url, rest = remote.partition("://")
    return url_objection(scheme, rest) if is_url else folder_objection(remote, slug)


def url_objection(scheme: str, rest: str) -> str | None:
    """Return what is wrong with a URL of a DVC remote, or None."""
    if scheme in OTHER_SCHEMES:
        return f"dvc_remote cannot be {scheme}:// here, which needs more than a URL; {AFTERWARDS}."
    if scheme not in {"ssh", *STORES}:
        return f"dvc_remote begins with {scheme + '://'!r}, which is not known; {FORMS}."
    place, _, path = rest.partition("/")
    if re.search(r"[?#\\]", rest) or {".", ".."} & set(path.split("/")) or "//" in path or path.startswith("/"):
        return (
            f"dvc_remote must be {scheme}:// and a plain path, without '?', '#', '\\', '//', '.' and '..' as folders."
        )
    if scheme == "ssh":
        return ssh_objection(place, path)
    store, names, rule = STORES[scheme]
    if not re.fullmatch(names, place) or re.fullmatch(ADDRESS, place) or ".." in place:
        return f"dvc_remote: {place!r} is no name of {store} ({rule}), as in {scheme}://my-team-data/digits; for another form {AFTERWARDS}."
    return None


def ssh_objection(place: str, path: str) -> str | None:
    """Return what is wrong with the host and the folder on it, or None."""
    found = re.fullmatch(
        r"([A-Za-z0-9_][A-Za-z0-9_.-]*@)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:(?P<port>\d{1,5}))?", place
    )
    if not found or not 0 < int(found["port"] or 22) < 65536 or "@" in path:
        return "dvc_remote must be ssh://HOST/FOLDER, with or without USER@ before HOST and :PORT after it."
    if not path:
        return f"dvc_remote names no folder on the host; answer for example ssh://{place}/srv/dvc."
    return None


def folder_objection(folder: str, slug: str) -> str | None:
    """Return what is wrong with a folder, absolute or relative to the project's, or None. Windows' paths are folders too."""
    if folder.startswith(("~/", "~\\", "/", "\\\\")) or re.match(r"[A-Za-z]:[/\\]", folder):
        return None
    if re.match(r"~|\\|[A-Za-z]:", folder):
        return (
            rf"dvc_remote: {folder!r} is no whole path; answer one such as ~/storage, C:\storage or \\server\storage."
        )
    inside = posixpath.normpath(posixpath.join(slug, folder.replace("\\", "/")))
    if inside == slug or inside.startswith(slug + "/"):
        return f"dvc_remote: the folder {folder!r} would be inside the project, where Git is; {FORMS}."
    return None


def checked(answers: Mapping[str, object]) -> str:
    """Return nothing where the answers are good. Raises SystemExit, which cookiecutter and cruft print as one line, where not."""
    said = objection(answers)
    if said:
        raise SystemExit(f"Error: {said}")
    return ""


class Answers(Extension):
    """Gives templates the filter `checked`."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.filters["checked"] = checked
        # `cruft update` renders two releases in one process; each is to import its own.
        sys.modules.pop(__name__, None)
