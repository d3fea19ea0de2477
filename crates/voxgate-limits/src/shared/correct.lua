-- Corrects what windows of one organisation and one of its keys counted.
-- KEYS  windows of the organisation, then windows of the key, if there is one
-- ARGV  time ('' for the clock of Redis); then for each change: subject, kind, window in ms, slot and units to take out,
--       another slot and units to take out, units to count now
-- Returns for each change the slot that is now.

local now, answer = clock(ARGV[1]), {}
for at = 2, #ARGV, 8 do
  local ring = open(KEYS[tonumber(ARGV[at]) + 1], ARGV[at + 1], tonumber(ARGV[at + 2]), now)
  remove(ring, tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]))
  remove(ring, tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6]))
  local more = tonumber(ARGV[at + 7])
  if more > 0 then add(ring, more) end
  answer[#answer + 1] = ring.head
end
return answer
