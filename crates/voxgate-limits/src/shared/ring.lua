-- The arithmetic of ring.rs, line by line. A subject's windows are one hash; of the window of kind K it holds the fields
-- "Kh" (head), "Kn" (newest), "Kt" (total) and "K:P", one per place P that is not zero.

local SLOTS, LIVE, PLACES = 60, 61, 64
-- Longer than any window and its slot.
local KEEP_MS = 125000
local STREAM_WAIT_MS = 1000

-- The clock of this Redis in milliseconds, unless the caller brings one.
local function clock(given)
  if given ~= '' then return tonumber(given) end
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function place(ring, slot) return ring.kind .. ':' .. (slot % PLACES) end

local function slot_of(now, window) return math.floor(now * SLOTS / window) end

local function left(ring, slot, now)
  return math.max(math.ceil((slot + LIVE) * ring.window / SLOTS) - now, 0)
end

local function counted(limit, weight) return math.min(limit, weight) end

local function fits(total, limit, weight)
  return weight == 0 or (limit > 0 and total + counted(limit, weight) <= limit)
end

local function clear(ring, slot)
  local places = { ring.kind .. 't' }
  for at = 0, PLACES - 1 do places[#places + 1] = ring.kind .. ':' .. at end
  redis.call('HDEL', ring.key, unpack(places))
  ring.head, ring.newest, ring.total = slot, slot, 0
end

local function advance(ring, slot)
  if slot >= ring.head + LIVE or slot + LIVE < ring.head then
    clear(ring, slot)
  elseif slot > ring.head then
    local leaving = {}
    for at = math.max(ring.head + 1, LIVE), slot do leaving[#leaving + 1] = place(ring, at - LIVE) end
    if ring.total > 0 and #leaving > 0 then
      local gone = 0
      for _, count in ipairs(redis.call('HMGET', ring.key, unpack(leaving))) do gone = gone + (tonumber(count) or 0) end
      if gone > 0 then
        redis.call('HDEL', ring.key, unpack(leaving))
        ring.total = redis.call('HINCRBY', ring.key, ring.kind .. 't', -gone)
      end
    end
    ring.head = slot
  else
    return
  end
  redis.call('HSET', ring.key, ring.kind .. 'h', ring.head, ring.kind .. 'n', ring.newest)
  redis.call('PEXPIRE', ring.key, KEEP_MS)
end

-- The window of a kind at the moment `now`.
local function open(key, kind, window, now)
  local got = redis.call('HMGET', key, kind .. 'h', kind .. 'n', kind .. 't')
  local slot = slot_of(now, window)
  local ring = { key = key, kind = kind, window = window }
  ring.head = tonumber(got[1]) or slot
  ring.newest = tonumber(got[2]) or slot
  ring.total = tonumber(got[3]) or 0
  advance(ring, slot)
  return ring
end

local function add(ring, units)
  redis.call('HINCRBY', ring.key, place(ring, ring.head), units)
  ring.total = redis.call('HINCRBY', ring.key, ring.kind .. 't', units)
  ring.newest = ring.head
  redis.call('HSET', ring.key, ring.kind .. 'h', ring.head, ring.kind .. 'n', ring.newest)
  redis.call('PEXPIRE', ring.key, KEEP_MS)
  return ring.head
end

local function remove(ring, slot, units)
  if slot > ring.head or slot + SLOTS < ring.head then return end
  local count = tonumber(redis.call('HGET', ring.key, place(ring, slot))) or 0
  units = math.min(units, count)
  if units > 0 then
    redis.call('HINCRBY', ring.key, place(ring, slot), -units)
    ring.total = redis.call('HINCRBY', ring.key, ring.kind .. 't', -units)
  end
end

local function retry(ring, limit, weight, now)
  if fits(ring.total, limit, weight) then return 0 end
  if limit == 0 then return ring.window end
  local over = ring.total + counted(limit, weight) - limit
  local first, places = math.max(ring.head - SLOTS, 0), {}
  for slot = first, ring.head do places[#places + 1] = place(ring, slot) end
  for at, count in ipairs(redis.call('HMGET', ring.key, unpack(places))) do
    over = over - (tonumber(count) or 0)
    if over <= 0 then return left(ring, first + at - 1, now) end
  end
  return left(ring, ring.head, now)
end

local function reset(ring, now)
  if ring.total == 0 then return 0 end
  local slot = ring.newest
  while slot > ring.head - SLOTS and (tonumber(redis.call('HGET', ring.key, place(ring, slot))) or 0) == 0 do
    slot = slot - 1
  end
  return left(ring, slot, now)
end

-- Leases of streams are a sorted set of ids by the moment they end. Those that ended are dropped. None ends later than a
-- lease from now, unless the clock was set back: then it ends a lease from now.
local function running(key, now, lease)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', key, '(' .. string.format('%.0f', now + lease), '+inf')) do
    redis.call('ZADD', key, now + lease, id)
  end
  return redis.call('ZCARD', key)
end

local function hold(key, now, lease, id)
  redis.call('ZADD', key, now + lease, id)
  redis.call('PEXPIRE', key, 2 * lease + KEEP_MS)
end
