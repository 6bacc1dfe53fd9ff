"""The AWS account, one file per capability."""
