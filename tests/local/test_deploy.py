"""The template becomes a stack whose parts do what ours need of them."""

import hashlib
import json
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from html import unescape
from typing import Any
from uuid import uuid4

import httpx
import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.serialization import load_der_public_key

from local.stack import Running

Eventually = Callable[..., Any]
Row = Callable[[str, str], Any]


def invoke(clinic: Running, name: str, event: dict[str, Any]) -> dict[str, Any]:
    answer = clinic.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    return json.loads(answer["Payload"].read())


def run(clinic: Running, **given: Any) -> str:
    answer = clinic.client("stepfunctions").start_execution(
        stateMachineArn=clinic.outputs["FlowArn"], name=given["session_id"], input=json.dumps(given)
    )
    return answer["executionArn"]


def ended(clinic: Running, execution: str) -> dict[str, Any] | None:
    state = clinic.client("stepfunctions").describe_execution(executionArn=execution)
    return state if state["status"] != "RUNNING" else None


class TestFunctions:
    def test_an_error_has_the_type_that_python_gave_it(self, clinic: Running) -> None:
        event = {"session_id": "s", "refuse": True}
        answer = invoke(clinic, clinic.outputs["CheckName"], event)
        assert answer["errorType"] == "ConsentMissing"
        assert answer["errorMessage"] == "no consent for this purpose"

    def test_a_handler_that_cannot_be_imported_says_so(self, clinic: Running) -> None:
        answer = invoke(clinic, clinic.outputs["BrokenName"], {})
        assert answer["errorType"] == "Runtime.ImportModuleError"
        assert "No module named 'absent'" in answer["errorMessage"]

    def test_an_upload_by_presigned_url_reaches_the_function_of_its_rule(
        self, clinic: Running, eventually: Eventually, row: Row
    ) -> None:
        bucket, key = clinic.outputs["IngestBucket"], f"audio/{uuid4()}/00001"
        url = clinic.client("s3").generate_presigned_url(
            "put_object",
            Params={
                "Bucket": bucket,
                "Key": key,
                "ContentType": "audio/flac",
                "IfNoneMatch": "*",
            },
            ExpiresIn=60,
        )
        headers = {"content-type": "audio/flac", "if-none-match": "*"}
        assert httpx.put(url, content=b"x" * 1000, headers=headers).status_code == 200
        assert eventually(lambda: row(key, "UPLOAD"))["size"] == {"N": "1000"}
        assert httpx.put(url, content=b"again", headers=headers).status_code == 412

    def test_a_browser_may_upload_from_the_portal(self, clinic: Running) -> None:
        asked = {
            "origin": clinic.portal,
            "access-control-request-method": "PUT",
            "access-control-request-headers": "content-type,if-none-match",
        }
        address = f"{clinic.emulator}/{clinic.outputs['IngestBucket']}/audio/s/1"
        answer = httpx.options(address, headers=asked)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] in (clinic.portal, "*")

    def test_a_notice_reaches_its_subscriber(
        self, clinic: Running, eventually: Eventually, row: Row
    ) -> None:
        name = str(uuid4())
        clinic.client("sns").publish(
            TopicArn=clinic.outputs["NoticesTopic"], Message=json.dumps({"inferenceId": name})
        )
        assert eventually(lambda: row(name, "NOTICE"))


class TestWorkflows:
    def test_a_catch_matches_an_error_by_its_type(
        self, clinic: Running, eventually: Eventually
    ) -> None:
        execution = run(clinic, session_id=str(uuid4()), refuse=True)
        state = eventually(lambda: ended(clinic, execution))
        assert state["status"] == "SUCCEEDED"
        assert "ConsentMissing" in state["output"]

    def test_a_waiting_run_is_woken_by_its_token_and_once_only(
        self, clinic: Running, eventually: Eventually, row: Row
    ) -> None:
        session = str(uuid4())
        execution = run(clinic, session_id=session)
        token = eventually(lambda: row(session, "WAIT"))["token"]["S"]
        flows = clinic.client("stepfunctions")
        words = 'it\'s "quoted"\nand lasts'
        flows.send_task_success(taskToken=token, output=json.dumps({"said": words}))
        state = eventually(lambda: ended(clinic, execution))
        assert json.loads(state["output"]) == {
            "session_id": session,
            "checked": True,
            "said": words,
        }
        with pytest.raises(ClientError, match=r"TaskTimedOut|InvalidToken|TaskDoesNotExist"):
            flows.send_task_success(taskToken=token, output="{}")

    def test_a_waiting_run_can_be_failed_by_code(
        self, clinic: Running, eventually: Eventually, row: Row
    ) -> None:
        session = str(uuid4())
        execution = run(clinic, session_id=session)
        token = eventually(lambda: row(session, "WAIT"))["token"]["S"]
        clinic.client("stepfunctions").send_task_failure(taskToken=token, error="SpeechFailed")
        assert "SpeechFailed" in eventually(lambda: ended(clinic, execution))["output"]

    def test_a_wait_ends_at_its_timeout(self, clinic: Running, eventually: Eventually) -> None:
        execution = run(clinic, session_id=str(uuid4()), impatient=True)
        state = eventually(lambda: ended(clinic, execution))
        assert state["status"] == "SUCCEEDED"
        assert "Timeout" in state["output"]

    def test_a_name_starts_one_run(self, clinic: Running) -> None:
        session = str(uuid4())
        run(clinic, session_id=session, impatient=True)
        with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
            run(clinic, session_id=session, impatient=False)


class TestStorage:
    def test_what_creation_ignores_is_applied_afterwards(self, clinic: Running) -> None:
        s3 = clinic.client("s3")
        ingest = clinic.outputs["IngestBucket"]
        (rule,) = s3.get_bucket_lifecycle_configuration(Bucket=ingest)["Rules"]
        assert rule["Expiration"] == {"Days": 1}
        locked = clinic.outputs["LedgerBucketName"]
        version = s3.put_object(Bucket=locked, Key="tile", Body=b"1")["VersionId"]
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.delete_object(Bucket=locked, Key="tile", VersionId=version)

    def test_a_locked_object_is_created_once(self, clinic: Running) -> None:
        s3, bucket = clinic.client("s3"), clinic.outputs["LedgerBucketName"]
        s3.put_object(Bucket=bucket, Key="once", Body=b"1", IfNoneMatch="*")
        with pytest.raises(ClientError, match="PreconditionFailed"):
            s3.put_object(Bucket=bucket, Key="once", Body=b"2", IfNoneMatch="*")

    def test_a_transaction_is_all_or_nothing(self, clinic: Running, row: Row) -> None:
        tables, table = clinic.client("dynamodb"), clinic.outputs["RecordsTable"]
        name = str(uuid4())

        def create(sk: str) -> dict[str, Any]:
            item = {"pk": {"S": name}, "sk": {"S": sk}}
            condition = "attribute_not_exists(pk)"
            return {"Put": {"TableName": table, "Item": item, "ConditionExpression": condition}}

        tables.transact_write_items(TransactItems=[create("1")])
        with pytest.raises(tables.exceptions.TransactionCanceledException) as caught:
            tables.transact_write_items(TransactItems=[create("2"), create("1")])
        reasons = [reason["Code"] for reason in caught.value.response["CancellationReasons"]]
        assert reasons == ["None", "ConditionalCheckFailed"]
        assert row(name, "2") is None


class TestKeys:
    def test_a_data_key_opens_only_in_its_context(self, clinic: Running) -> None:
        kms = clinic.client("kms")
        made = kms.generate_data_key(
            KeyId=clinic.outputs["ContentKeyArn"],
            KeySpec="AES_256",
            EncryptionContext={"session_id": "a"},
        )
        sealed = made["CiphertextBlob"]
        opened = kms.decrypt(CiphertextBlob=sealed, EncryptionContext={"session_id": "a"})
        assert opened["Plaintext"] == made["Plaintext"]
        with pytest.raises(ClientError, match="InvalidCiphertext"):
            kms.decrypt(CiphertextBlob=sealed, EncryptionContext={"session_id": "b"})

    def test_the_signing_key_is_ed25519(self, clinic: Running) -> None:
        kms, key = clinic.client("kms"), clinic.outputs["SigningKeyArn"]
        signature = kms.sign(
            KeyId=key, Message=b"root", MessageType="RAW", SigningAlgorithm="ED25519_SHA_512"
        )["Signature"]
        public = load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
        public.verify(signature, b"root")  # type: ignore[union-attr, call-arg]


class TestPortal:
    def test_a_request_reaches_the_function_as_aws_sends_it(self, clinic: Running) -> None:
        answer = httpx.get(
            f"{clinic.portal}/sessions/a%20b?x=1&x=2", headers={"cookie": "a=1; b=2"}
        )
        event = answer.json()
        assert event["version"] == "2.0"
        assert event["rawPath"] == "/sessions/a b"
        assert event["rawQueryString"] == "x=1&x=2"
        assert event["cookies"] == ["a=1", "b=2"]
        assert "cookie" not in event["headers"]
        assert event["headers"]["host"] == clinic.portal.removeprefix("http://")
        assert answer.headers.get_list("set-cookie") == ["a=1; HttpOnly; Path=/", "b=2; Path=/"]
        assert "access-control-allow-origin" not in answer.headers
        assert len(answer.headers.get_list("date")) == 1

    @pytest.mark.parametrize("path", ["/", "/health", "/api/oauth2/token", "/static/app.css"])
    def test_paths_of_the_portal_are_its_own(self, clinic: Running, path: str) -> None:
        assert httpx.get(clinic.portal + path).json()["rawPath"] == path

    def test_a_form_arrives_encoded(self, clinic: Running) -> None:
        event = httpx.post(f"{clinic.portal}/sign", data={"note": "a b"}).json()
        assert event["requestContext"]["http"]["method"] == "POST"
        assert event["isBase64Encoded"] is True

    def test_a_person_signs_in_with_a_code_and_its_proof(self, clinic: Running) -> None:
        people, pool = clinic.client("cognito-idp"), clinic.outputs["UserPoolId"]
        name, password = f"{uuid4()}@example.org", "Long-enough-1-password"
        people.admin_create_user(
            UserPoolId=pool,
            Username=name,
            TemporaryPassword="Long-enough-0-password",
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": "email", "Value": name}],
        )
        people.admin_set_user_password(
            UserPoolId=pool, Username=name, Password=password, Permanent=True
        )
        people.admin_add_user_to_group(UserPoolId=pool, Username=name, GroupName="therapist")
        verifier = secrets.token_urlsafe(40)
        digest = hashlib.sha256(verifier.encode()).digest()
        asked = {
            "client_id": clinic.outputs["UserPoolClientId"],
            "response_type": "code",
            "scope": "openid",
            "redirect_uri": f"{clinic.portal}/auth/callback",
            "state": "s",
            "code_challenge": urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }

        with httpx.Client(base_url=clinic.portal) as browser:

            def token(proof: str) -> httpx.Response:
                page = browser.get("/oauth2/authorize", params=asked)
                hidden = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page.text)
                form = {key: unescape(value) for key, value in hidden}
                answer = browser.post(
                    "/login", data={**form, "username": name, "password": password}
                )
                back = httpx.URL(answer.headers["location"])
                assert str(back).startswith(f"{clinic.portal}/auth/callback?")
                return browser.post(
                    "/oauth2/token",
                    data={
                        "grant_type": "authorization_code",
                        "client_id": asked["client_id"],
                        "redirect_uri": asked["redirect_uri"],
                        "code": back.params["code"],
                        "code_verifier": proof,
                    },
                )

            # The pool demands a second factor; the emulator gives the code without one.
            assert token("another").json()["error"] == "invalid_grant"
            assert token(verifier).json()["id_token"]
