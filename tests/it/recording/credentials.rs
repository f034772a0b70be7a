//! Credentials: none is in a recording, and none is needed to replay it.
