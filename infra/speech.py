"""Decides how recordings become text: our container behind an asynchronous, isolated endpoint."""

from __future__ import annotations

from aws_cdk import Fn
from aws_cdk import aws_applicationautoscaling as scaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk import aws_sns as sns

from infra.account import Account, allow, document, trusted_by
from infra.functions import Functions, accept_from, callable_by
from infra.keys import Keys
from infra.notices import Notices
from infra.ports import speech_endpoint
from infra.storage import AUDIO, OUTPUT, Storage

_VARIANT = "main"
# Instance families with local NVMe storage, which their hardware encrypts; SageMaker refuses a
# volume key for them ("Protect data at rest using encryption", SageMaker developer guide).
_OWN_DISK = ("g4dn", "g5", "g6", "g6e", "p4d", "p4de", "p5", "m5d", "c5d", "r5d")
# Waiting requests that one instance should have: two sessions' worth of segments.
_BACKLOG_PER_INSTANCE = 4


def declare(
    account: Account, keys: Keys, storage: Storage, notices: Notices, functions: Functions
) -> None:
    """The model, the endpoint with its scaling to zero, and the notices that wake the workflow."""
    role, policy = _role(account, keys, storage, notices)
    config = account.config.speech
    name = speech_endpoint(account)
    model = sagemaker.CfnModel(
        account,
        "SpeechModel",
        execution_role_arn=role.attr_arn,
        # The container reaches nothing: no network, in or out, but SageMaker's own requests.
        enable_network_isolation=True,
        primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
            image=Fn.sub(
                "${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}/"
                f"{config.repository}:{config.tag}"
            )
        ),
    )
    model.add_resource_dependency(policy)
    own_disk = config.instance_type.split(".")[1] in _OWN_DISK
    endpoint_config = sagemaker.CfnEndpointConfig(
        account,
        "SpeechEndpointConfig",
        production_variants=[
            sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                variant_name=_VARIANT,
                model_name=model.attr_model_name,
                initial_instance_count=1,
                initial_variant_weight=1,
                instance_type=config.instance_type,
            )
        ],
        async_inference_config=sagemaker.CfnEndpointConfig.AsyncInferenceConfigProperty(
            output_config=sagemaker.CfnEndpointConfig.AsyncInferenceOutputConfigProperty(
                s3_output_path=f"s3://{storage.ingest.ref}/{OUTPUT}",
                s3_failure_path=f"s3://{storage.ingest.ref}/{OUTPUT}",
                kms_key_id=keys.audio.attr_arn,
                notification_config=(
                    sagemaker.CfnEndpointConfig.AsyncInferenceNotificationConfigProperty(
                        success_topic=notices.speech_success.ref,
                        error_topic=notices.speech_error.ref,
                    )
                ),
            ),
            client_config=sagemaker.CfnEndpointConfig.AsyncInferenceClientConfigProperty(
                max_concurrent_invocations_per_instance=config.concurrency
            ),
        ),
        kms_key_id=None if own_disk else keys.audio.attr_arn,
    )
    if own_disk:
        account.acknowledge(
            endpoint_config,
            "HIPAA.Security-SageMakerEndpointConfigurationKMSKeyConfigured",
            f"An {config.instance_type} encrypts its disk in hardware and takes no volume key.",
        )
    endpoint = sagemaker.CfnEndpoint(
        account,
        "SpeechEndpoint",
        endpoint_name=name,
        endpoint_config_name=endpoint_config.attr_endpoint_config_name,
    )
    _scale(account, endpoint, name)
    _listen(account, notices, functions)
    account.output("SpeechEndpointName", name, "Endpoint: transcription")


def _role(
    account: Account, keys: Keys, storage: Storage, notices: Notices
) -> tuple[iam.CfnRole, iam.CfnManagedPolicy]:
    bucket = storage.ingest.attr_arn
    group = logs.CfnLogGroup(
        account,
        "SpeechLogs",
        log_group_name=f"/aws/sagemaker/Endpoints/{speech_endpoint(account)}",
        kms_key_id=keys.logs.attr_arn,
        retention_in_days=account.config.retention.log_days,
    )
    role = iam.CfnRole(
        account,
        "SpeechRole",
        assume_role_policy_document=trusted_by(
            "sagemaker.amazonaws.com", {"StringEquals": {"aws:SourceAccount": account.account}}
        ),
        description="What the transcription endpoint may do: the only reader of recordings",
    )
    policy = iam.CfnManagedPolicy(
        account,
        "SpeechPolicy",
        description="What the transcription endpoint may do: the only reader of recordings",
        roles=[role.ref],
        policy_document=document(
            allow(("s3:GetObject",), (f"{bucket}/{AUDIO}*",)),
            allow(("s3:PutObject",), (f"{bucket}/{OUTPUT}*",)),
            allow(("s3:ListBucket",), (bucket,)),
            allow(("kms:GenerateDataKey", "kms:Decrypt"), (keys.audio.attr_arn,)),
            allow(("sns:Publish",), (notices.speech_success.ref, notices.speech_error.ref)),
            allow(("kms:GenerateDataKey", "kms:Decrypt"), (keys.logs.attr_arn,)),
            allow(("logs:CreateLogStream", "logs:PutLogEvents"), (group.attr_arn,)),
            allow(
                (
                    "ecr:BatchGetImage",
                    "ecr:GetDownloadUrlForLayer",
                    "ecr:BatchCheckLayerAvailability",
                ),
                (account.arn("ecr", f"repository/{account.config.speech.repository}"),),
            ),
            allow(("ecr:GetAuthorizationToken",), ("*",)),
            allow(
                ("cloudwatch:PutMetricData",),
                ("*",),
                {"StringEquals": {"cloudwatch:namespace": "/aws/sagemaker/Endpoints"}},
            ),
        ),
    )
    keyed = "Object keys hold the session's id, so they are known only when it exists."
    for prefix in (AUDIO, OUTPUT):
        account.acknowledge(
            policy, f"AwsSolutions-IAM5[Resource::<IngestBucket.Arn>/{prefix}*]", keyed
        )
    account.acknowledge(
        policy,
        "AwsSolutions-IAM5[Resource::*]",
        "A registry token and a metric have no ARN: AWS takes only * for these two actions.",
    )
    return role, policy


def _scale(account: Account, endpoint: sagemaker.CfnEndpoint, name: str) -> None:
    """From none to the stage's limit: up when anything waits, out on backlog, in to none."""
    limit = account.config.speech.max_instances
    dimension = scaling.CfnScalingPolicy.MetricDimensionProperty(name="EndpointName", value=name)
    target = scaling.CfnScalableTarget(
        account,
        "SpeechScaling",
        service_namespace="sagemaker",
        scalable_dimension="sagemaker:variant:DesiredInstanceCount",
        resource_id=f"endpoint/{name}/variant/{_VARIANT}",
        min_capacity=0,
        max_capacity=limit,
    )
    target.add_resource_dependency(endpoint)
    scaling.CfnScalingPolicy(
        account,
        "SpeechBacklogScaling",
        policy_name=account.name("speech-backlog"),
        policy_type="TargetTrackingScaling",
        scaling_target_id=target.ref,
        target_tracking_scaling_policy_configuration=(
            scaling.CfnScalingPolicy.TargetTrackingScalingPolicyConfigurationProperty(
                target_value=_BACKLOG_PER_INSTANCE,
                scale_in_cooldown=600,
                scale_out_cooldown=120,
                customized_metric_specification=(
                    scaling.CfnScalingPolicy.CustomizedMetricSpecificationProperty(
                        namespace="AWS/SageMaker",
                        metric_name="ApproximateBacklogSizePerInstance",
                        statistic="Average",
                        dimensions=[dimension],
                    )
                ),
            )
        ),
    )
    # The backlog *per instance* does not exist while there is no instance: this one wakes it.
    wake = scaling.CfnScalingPolicy(
        account,
        "SpeechWakeScaling",
        policy_name=account.name("speech-wake"),
        policy_type="StepScaling",
        scaling_target_id=target.ref,
        step_scaling_policy_configuration=(
            scaling.CfnScalingPolicy.StepScalingPolicyConfigurationProperty(
                adjustment_type="ChangeInCapacity",
                metric_aggregation_type="Maximum",
                cooldown=300,
                step_adjustments=[
                    scaling.CfnScalingPolicy.StepAdjustmentProperty(
                        metric_interval_lower_bound=0, scaling_adjustment=1
                    )
                ],
            )
        ),
    )
    cloudwatch.CfnAlarm(
        account,
        "SpeechWaitingAlarm",
        alarm_name=account.name("speech-waiting"),
        alarm_description="A recording waits and no instance runs: start one",
        namespace="AWS/SageMaker",
        metric_name="HasBacklogWithoutCapacity",
        dimensions=[cloudwatch.CfnAlarm.DimensionProperty(name="EndpointName", value=name)],
        statistic="Maximum",
        period=60,
        evaluation_periods=1,
        threshold=1,
        comparison_operator="GreaterThanOrEqualToThreshold",
        treat_missing_data="missing",
        alarm_actions=[wake.ref],
    )


def _listen(account: Account, notices: Notices, functions: Functions) -> None:
    received = functions.find("SessionOnSpeech")
    if received is None or received.dead_letters is None:
        return
    topics = {"Success": notices.speech_success.ref, "Error": notices.speech_error.ref}
    for outcome, topic in topics.items():
        callable_by(account, received, outcome, "sns.amazonaws.com", topic)
        sns.CfnSubscription(
            account,
            f"Speech{outcome}Subscription",
            topic_arn=topic,
            protocol="lambda",
            endpoint=received.function.attr_arn,
            redrive_policy={"deadLetterTargetArn": received.dead_letters.attr_arn},
        )
    accept_from(account, received, "sns.amazonaws.com", *topics.values())
