//! From passages to an answer: quotes, grounded prompts, checks, rendering.
