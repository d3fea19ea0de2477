-- Every quantity of every request, and counters for every limit that lasts longer than a minute, of organisations and keys.

-- How and by what the request was served.
ALTER TABLE usage_requests ADD COLUMN service TEXT NOT NULL DEFAULT 'tts';
ALTER TABLE usage_requests ADD COLUMN dialect TEXT NOT NULL DEFAULT '';
ALTER TABLE usage_requests ADD COLUMN model TEXT NOT NULL DEFAULT '';
-- As with bytes_out and audio_ms (audio that went out): asked for while pending, delivered afterwards.
ALTER TABLE usage_requests ADD COLUMN tokens_in BIGINT NOT NULL DEFAULT 0;
ALTER TABLE usage_requests ADD COLUMN tokens_out BIGINT NOT NULL DEFAULT 0;
ALTER TABLE usage_requests ADD COLUMN audio_ms_in BIGINT NOT NULL DEFAULT 0;
ALTER TABLE usage_requests ADD COLUMN bytes_in BIGINT NOT NULL DEFAULT 0;
-- Millionths of a credit.
ALTER TABLE usage_requests ADD COLUMN held_micros BIGINT NOT NULL DEFAULT 0;
ALTER TABLE usage_requests ADD COLUMN billed_micros BIGINT NOT NULL DEFAULT 0;
ALTER TABLE usage_requests ADD COLUMN disconnected BIGINT NOT NULL DEFAULT 0;
-- What the client was answered: HTTP status, or the nearest one on other transports.
ALTER TABLE usage_requests ADD COLUMN status_code BIGINT;
-- 1 where the row was written when the request was admitted, and what it asked for counted then; 0 where it was written
-- at the end.
ALTER TABLE usage_requests ADD COLUMN reserved BIGINT NOT NULL DEFAULT 1;

CREATE TABLE quota_counters (
    scope TEXT NOT NULL,
    -- The organisation's or the key's id.
    owner_id TEXT NOT NULL,
    -- The limit's name.
    kind TEXT NOT NULL,
    window_start BIGINT NOT NULL,
    -- In the unit that the limit is counted in: milliseconds for audio.
    amount BIGINT NOT NULL,
    CONSTRAINT quota_counters_pkey PRIMARY KEY (scope, owner_id, kind, window_start),
    CONSTRAINT ck_quota_counters_scope CHECK (scope IN ('organization', 'key')),
    CONSTRAINT ck_quota_counters_amount CHECK (amount >= 0)
);
CREATE INDEX ix_quota_counters_window ON quota_counters (window_start);
INSERT INTO quota_counters (scope, owner_id, kind, window_start, amount)
    SELECT 'organization', organization_id, CASE kind WHEN 'day' THEN 'words_per_day' ELSE 'words_per_month' END, window_start, words
    FROM usage_counters;
DROP TABLE usage_counters;
