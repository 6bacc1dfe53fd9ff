"""The AWS account, one file per capability."""

import os

# Before anything imports jsii: synthesis works on node 20, whose end of support is no finding of
# ours. The variable lists the major versions to be silent about.
_SILENCE = "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION"
os.environ[_SILENCE] = ",".join(filter(None, (os.environ.get(_SILENCE), "20")))
