"""The whole system starts, comes back and survives a crash of whoever started it."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from countersign.errors import ModelMissing
from local import stack
from local.deploy import NotDeployed
from local.processes import ROOT, AlreadyRunning, NotStarted, environment
from local.stack import Clinic, NotSynthesized, Running

SAMPLE = Path(__file__).parent / "sample"


@pytest.fixture
def name() -> Iterator[str]:
    made = f"tests-{time.time_ns()}"
    yield made
    shutil.rmtree(stack.BUILD / "local" / made, ignore_errors=True)


def sample(name: str, inference: str, **more: Any) -> Clinic:
    return Clinic(name, inference=inference, assembly=SAMPLE / "assembly", code=SAMPLE, **more)


def test_kept_data_is_there_again(name: str, inference: str) -> None:
    with sample(name, inference, keep=True) as clinic:
        first = clinic.start()
        table = first.outputs["RecordsTable"]
        first.client("dynamodb").put_item(
            TableName=table, Item={"pk": {"S": "kept"}, "sk": {"S": "1"}}
        )
        bucket = first.outputs["LedgerBucketName"]
        first.client("s3").put_object(Bucket=bucket, Key="tile", Body=b"leaf")

    with sample(name, inference, keep=True) as clinic:
        second = clinic.start(fresh=False)
        assert {**second.outputs, "PortalUrlInUse": ""} == {**first.outputs, "PortalUrlInUse": ""}
        (item,) = second.client("dynamodb").scan(TableName=table)["Items"]
        assert item["pk"] == {"S": "kept"}
        body = second.client("s3").get_object(Bucket=bucket, Key="tile")["Body"].read()
        assert body == b"leaf"
        pool, client = second.outputs["UserPoolId"], second.outputs["UserPoolClientId"]
        portal = second.client("cognito-idp").describe_user_pool_client(
            UserPoolId=pool, ClientId=client
        )["UserPoolClient"]
        assert portal["CallbackURLs"] == [f"{second.portal}/auth/callback"]
        assert httpx.get(f"{second.portal}/x").json()["rawPath"] == "/x"

    with sample(name, inference, keep=True) as clinic:
        third = clinic.start(fresh=True)
        assert third.client("dynamodb").scan(TableName=third.outputs["RecordsTable"])["Items"] == []


STARTER = """
import sys, time
from pathlib import Path
from local.stack import Clinic
sample = Path(sys.argv[3])
clinic = Clinic(sys.argv[1], inference=sys.argv[2], assembly=sample / "assembly", code=sample)
running = clinic.start()
print(running.emulator, running.portal, running.fhir, running.speech, flush=True)
time.sleep(60)
"""


def answers(address: str) -> bool:
    try:
        httpx.get(address, timeout=2)
    except httpx.TransportError:
        return False
    return True


def test_a_run_after_a_crash_works_and_nothing_of_the_first_is_left(
    name: str, inference: str, eventually: Callable[..., Any]
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTER, name, inference, str(SAMPLE)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=environment({}),
    ) as crashed:
        assert crashed.stdout is not None
        addresses = crashed.stdout.readline().split()
        assert all(answers(address) for address in addresses)
        with pytest.raises(AlreadyRunning, match=str(crashed.pid)):
            sample(name, inference).start()
        crashed.send_signal(signal.SIGKILL)

    with sample(name, inference) as clinic:
        running = clinic.start()
        assert not any(answers(address) for address in addresses)
        assert clinic.dead() == ()
        assert httpx.get(f"{running.portal}/again").json()["rawPath"] == "/again"


def listening(group: int) -> set[str]:
    """The addresses that a process group listens on, in the hexadecimal of /proc/net/tcp."""
    sockets = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rpartition(")")[2].split()[2]) != group:
                continue
            sockets |= {str(fd.readlink()) for fd in (stat.parent / "fd").iterdir()}
        except (FileNotFoundError, ProcessLookupError):
            continue  # It ended while we looked.
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                found.add(fields[1].partition(":")[0])
    return found


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs /proc")
def test_everything_listens_on_loopback_only(system: Clinic, clinic: Running) -> None:
    assert httpx.get(f"{clinic.portal}/one-function-runs").status_code == 200
    locks = [lock for lock in system.folder.rglob("*.lock") if lock.with_suffix(".log").exists()]
    assert {lock.stem for lock in locks} == {"emulator", "fhir", "gateway", "speech"}
    heard = {lock.stem: listening(int(lock.read_text())) for lock in locks}
    assert heard == {lock.stem: {"0100007F"} for lock in locks}


def test_a_taken_port_is_said_before_anything_starts(name: str, inference: str) -> None:
    port = int(inference.rsplit(":", 1)[1])
    with pytest.raises(NotStarted, match=f"port {port} is in use"):
        sample(name, inference).start(port=port)


def test_a_failed_start_leaves_nothing_running(name: str, inference: str, tmp_path: Path) -> None:
    (tmp_path / "Bad.template.json").write_text('{"Resources": {"X": {"Type": "AWS::No::Such"}}}')
    clinic = Clinic(name, inference=inference, assembly=tmp_path, code=SAMPLE)
    with pytest.raises(NotDeployed, match="AWS::No::Such"):
        clinic.start()
    assert set(clinic.dead()) == {"emulator", "fhir", "gateway", "speech"}


def test_a_missing_model_is_said_with_what_to_do(name: str) -> None:
    with pytest.raises(ModelMissing) as caught:
        Clinic(name, model="whisper-nowhere", assembly=SAMPLE / "assembly").start()
    assert "make models" in caught.value.advice


class TestSynthesis:
    @pytest.fixture
    def tree(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A source tree whose CDK app writes down that it ran."""
        monkeypatch.setattr(stack, "ROOT", tmp_path)
        monkeypatch.setattr(stack, "BUILD", tmp_path / "build")
        (tmp_path / "infra").mkdir()
        (tmp_path / "infra" / "__init__.py").touch()
        (tmp_path / "infra" / "app.py").write_text(
            "import pathlib, sys\n"
            "pathlib.Path('runs').open('a').write('x')\n"
            "out = pathlib.Path(sys.argv[1]); out.mkdir()\n"
            "(out / 'S.template.json').write_text('{}')\n"
        )
        (tmp_path / "cdk.json").write_text("{}")
        flow = tmp_path / "lambdas" / "session"
        flow.mkdir(parents=True)
        (flow / "workflow.asl.json").write_text("{}")
        (flow / "draft.py").write_text('@connected("vault")\ndef handler(): return 1\n')
        return tmp_path

    def runs(self, tree: Path) -> int:
        stack.synthesize()
        return len((tree / "runs").read_text())

    def test_an_unchanged_tree_is_synthesized_once(self, tree: Path) -> None:
        assert self.runs(tree) == 1
        assert self.runs(tree) == 1
        assert (stack.synthesize() / "S.template.json").exists()

    def test_the_body_of_a_handler_is_not_in_the_template(self, tree: Path) -> None:
        self.runs(tree)
        (tree / "lambdas/session/draft.py").write_text(
            '@connected("vault")\ndef handler(): return 2\n'
        )
        assert self.runs(tree) == 1

    @pytest.mark.parametrize(
        ("path", "content"),
        [
            ("lambdas/session/draft.py", '@connected("vault", "records")\ndef handler(): ...\n'),
            ("lambdas/session/new.py", '@connected("vault")\ndef handler(): ...\n'),
            ("lambdas/session/workflow.asl.json", '{"StartAt": "X"}'),
            ("cdk.json", '{"context": {}}'),
            ("infra/keys.py", "ROTATE = True\n"),
        ],
    )
    def test_what_the_template_comes_from_is(self, tree: Path, path: str, content: str) -> None:
        self.runs(tree)
        (tree / path).write_text(content)
        assert self.runs(tree) == 2

    def test_a_failing_app_says_why_and_is_run_again(self, tree: Path) -> None:
        (tree / "infra/app.py").write_text("raise SystemExit('one open finding')")
        for _ in range(2):
            with pytest.raises(NotSynthesized, match="one open finding"):
                stack.synthesize()
