"""A local template differs from the synthesized one by what is declared, and by nothing else."""

import copy
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from local.differences import FILE, Differences, Places
from local.processes import ROOT

PLACES = Places(
    emulator="http://127.0.0.1:1",
    speech="http://127.0.0.1:2",
    fhir="http://127.0.0.1:3",
    portal="http://127.0.0.1:4",
    python="/venv/bin/python",
    root="/src",
)


def apply(resources: dict[str, Any], **sections: Any) -> dict[str, Any]:
    return Differences.declared().apply({"Resources": resources, **sections}, PLACES)


ENDPOINT = {"Type": "AWS::SageMaker::Endpoint", "Properties": {"EndpointName": "clinic-speech"}}
TRAIL = {"Type": "AWS::CloudTrail::Trail", "Properties": {"S3BucketName": {"Ref": "Bucket"}}}


class TestDropped:
    def test_a_dropped_resource_is_gone_and_the_rest_is_untouched(self) -> None:
        bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "b"}}
        changed = apply({"Trail": TRAIL, "Bucket": bucket})
        assert changed["Resources"] == {"Bucket": bucket}

    @pytest.mark.parametrize(
        ("reference", "stand_in"),
        [
            ({"Ref": "Endpoint"}, "clinic-speech"),
            ({"Fn::GetAtt": ["Endpoint", "EndpointName"]}, "clinic-speech"),
            ({"Fn::GetAtt": "Endpoint.EndpointName"}, "clinic-speech"),
            ({"Fn::Sub": "e/${Endpoint.EndpointName}/v"}, {"Fn::Sub": "e/clinic-speech/v"}),
            ({"Fn::Sub": "${Endpoint}/${Kept}"}, {"Fn::Sub": "clinic-speech/${Kept}"}),
            (
                {"Fn::Sub": ["${Endpoint}${x}", {"x": {"Ref": "Trail"}}]},
                {"Fn::Sub": ["clinic-speech${x}", {"x": "Trail"}]},
            ),
            ({"Ref": "Kept"}, {"Ref": "Kept"}),
            ({"Fn::GetAtt": ["Kept", "Arn"]}, {"Fn::GetAtt": ["Kept", "Arn"]}),
        ],
    )
    def test_a_reference_becomes_its_stand_in(self, reference: Any, stand_in: Any) -> None:
        kept = {"Type": "AWS::SSM::Parameter", "Properties": {"Value": [reference]}}
        changed = apply({"Endpoint": ENDPOINT, "Trail": TRAIL, "Kept": kept})
        assert changed["Resources"]["Kept"]["Properties"]["Value"] == [stand_in]

    @pytest.mark.parametrize(
        ("names", "left"),
        [("Trail", None), (["Trail", "Other"], ["Other"]), (["Trail"], None), ("Other", ["Other"])],
    )
    def test_nothing_depends_on_it(self, names: Any, left: Any) -> None:
        changed = apply({"Trail": TRAIL, "Kept": {"Type": "AWS::SNS::Topic", "DependsOn": names}})
        assert changed["Resources"]["Kept"].get("DependsOn") == left

    def test_what_is_needed_of_it_becomes_an_output(self) -> None:
        place = {"Fn::Sub": "s3://${Ingest}/speech/"}
        config = {
            "Type": "AWS::SageMaker::EndpointConfig",
            "Properties": {"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": place}}},
        }
        assert apply({"Config": config})["Outputs"] == {"LocalSpeechOutput": {"Value": place}}


class TestFunctions:
    def test_a_function_runs_this_tree_and_calls_the_emulator(self) -> None:
        function = {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": "python3.13",
                "Handler": "lambdas.session.draft.handler",
                "Layers": ["arn"],
                "Environment": {"Variables": {"STAGE": "dev"}},
            },
        }
        properties = apply({"F": function})["Resources"]["F"]["Properties"]
        assert properties["Runtime"] == "provided.al2023"
        assert properties["Handler"] == "lambdas.session.draft.handler"
        assert properties["Code"]["S3Key"] == "bootstrap.zip"
        assert "Layers" not in properties
        variables = properties["Environment"]["Variables"]
        assert variables["STAGE"] == "dev"
        assert variables["AWS_ENDPOINT_URL"] == PLACES.emulator
        assert variables["AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME"] == PLACES.speech
        assert variables["PYTHONPATH"] == "/src"


def test_the_given_template_stays_as_it_is() -> None:
    template = json.loads(
        (Path(__file__).parent / "sample/assembly/Sample.template.json").read_text()
    )
    before = copy.deepcopy(template)
    Differences.declared().apply(template, PLACES)
    assert template == before


def test_parameters_get_values_only_where_the_template_has_them() -> None:
    template = {"Parameters": {"PortalUrl": {"Type": "String"}}}
    assert Differences.declared().parameters(template, PLACES) == {"PortalUrl": PLACES.portal}


def test_the_parameter_of_the_deploying_tool_goes() -> None:
    changed = apply({}, Parameters={"BootstrapVersion": {}}, Rules={"CheckBootstrapVersion": {}})
    assert "Parameters" not in changed
    assert "Rules" not in changed


def test_a_difference_without_a_reason_is_refused() -> None:
    declared = tomllib.loads(FILE.read_text())
    del declared["drop"][0]["reason"]
    with pytest.raises(ValidationError, match="reason"):
        Differences.model_validate(declared)


def test_an_unknown_word_in_a_value_is_an_error() -> None:
    declared = tomllib.loads(FILE.read_text())
    declared["variable"][0]["value"] = "{elsewhere}"
    with pytest.raises(KeyError, match="elsewhere"):
        Differences.model_validate(declared).apply(
            {"Resources": {"F": {"Type": "AWS::Lambda::Function"}}}, PLACES
        )


def test_the_guide_names_every_difference() -> None:
    guide = (ROOT / "docs" / "local.md").read_text()
    declared = Differences.declared()
    names = [entry.type for entry in declared.drop]
    names += [entry.name for entry in declared.property]
    names += [entry.name for entry in declared.afterwards]
    names += [entry.name for entry in declared.variable]
    names += [entry.name for entry in declared.parameter]
    assert [name for name in names if name not in guide] == []
