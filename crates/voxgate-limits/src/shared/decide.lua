-- Decides over all cells of one organisation and one of its keys: everything is counted, or nothing.
-- KEYS  windows and leases of the organisation, then windows and leases of the key, if there is one
-- ARGV  time ('' for the clock of Redis); 'take' or 'peek'; id of the lease; its length in ms;
--       then for each cell: subject (0 organisation, 1 key), kind, window in ms (0 for streams), limit, weight
-- Returns 1 or 0 for admitted, then for each cell: remaining, retry in ms, reset in ms, slot counted in.

local now, take, id, lease = clock(ARGV[1]), ARGV[2] == 'take', ARGV[3], tonumber(ARGV[4])
local cells, admitted = {}, true
for at = 5, #ARGV, 5 do
  local cell = { limit = tonumber(ARGV[at + 3]), weight = tonumber(ARGV[at + 4]) }
  local subject, window = tonumber(ARGV[at]), tonumber(ARGV[at + 2])
  if window > 0 then
    cell.ring = open(KEYS[2 * subject + 1], ARGV[at + 1], window, now)
    admitted = admitted and fits(cell.ring.total, cell.limit, cell.weight)
  else
    cell.leases = KEYS[2 * subject + 2]
    cell.running = running(cell.leases, now, lease)
    admitted = admitted and (cell.weight == 0 or cell.running < cell.limit)
  end
  cells[#cells + 1] = cell
end

local answer = { admitted and 1 or 0 }
local function say(remaining, retry_ms, reset_ms, slot)
  answer[#answer + 1] = math.max(remaining, 0)
  answer[#answer + 1] = retry_ms
  answer[#answer + 1] = reset_ms
  answer[#answer + 1] = slot
end
for _, cell in ipairs(cells) do
  local counting = take and admitted and cell.weight > 0
  if cell.ring then
    if counting then add(cell.ring, counted(cell.limit, cell.weight)) end
    say(cell.limit - cell.ring.total, retry(cell.ring, cell.limit, cell.weight, now), reset(cell.ring, now), cell.ring.head)
  else
    if counting then
      hold(cell.leases, now, lease, id)
      cell.running = redis.call('ZCARD', cell.leases)
    end
    local full = cell.weight > 0 and cell.running >= cell.limit
    say(cell.limit - cell.running, full and STREAM_WAIT_MS or 0, cell.running > 0 and STREAM_WAIT_MS or 0, 0)
  end
end
return answer
