-- A fingerprint of the secrets that a process works with, so that one with others is told apart before it does harm.

ALTER TABLE nodes ADD COLUMN secrets TEXT NOT NULL DEFAULT '';
