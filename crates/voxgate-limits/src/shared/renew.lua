-- Renews leases of one organisation, also such as Redis has forgotten: the streams are running.
-- KEYS  the sorted sets;  ARGV  length of a lease in ms, then for each set in KEYS the lease to renew in it
local now, lease = clock(''), tonumber(ARGV[1])
for at, key in ipairs(KEYS) do hold(key, now, lease, ARGV[at + 1]) end
return #KEYS
