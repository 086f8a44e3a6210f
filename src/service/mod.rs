//! What the product can do, said once.
