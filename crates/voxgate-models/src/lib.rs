//! Model catalogue: what there is, where its bytes are, pulling and verifying them.
