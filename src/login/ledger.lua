-- The ledger's step on a shared server: `state.rs` and `ledger.rs` in Lua, sum by sum; a test holds both to the same decisions.
--
-- KEYS: route, address, account, pair, and a fifth where there is one; all with one hash tag.
-- ARGV: "reserve" or "settle"; milliseconds since 1970, or "" for the server's own time; what the fifth key is: "device", that is vouched for,
-- "challenge", that was solved, or ""; then for route, address, account and own six numbers each: limit, slot, waits, cap, forget,
-- remember. "settle" adds standing (0 stranger, 1 address, 2 device, 3 challenged), outcome (0 nothing, 1 failure, 2 success) and lease.
-- Answers of "reserve": {1, standing, lease, 0} or {0, why (0 route, 1 address, 2 account, 3 own), milliseconds to wait, 1 where a
-- challenge that was solved would let it through}.
--
-- Attempts in flight are counted by the half minute in which they began (their lease), in eight slots. What a replica that died holds is
-- so forgotten after at most four minutes; what is settled later than that is charged all the same.
local SLOTS, FIRST_WAIT, LONGEST_WAIT, FADE, IN_FLIGHT = 8, 30, 3600, 86400, 1000
local LEASE = 30000
local U8, U16, U32 = 255, 65535, 4294967295
local FORM = '<ddI4I4I4BBHHHHHHHHHHHHHHHH'
local floor, max, min = math.floor, math.max, math.min

local now, given = tonumber(ARGV[2]), true
if not now then
  local time = redis.call('TIME')
  now, given = time[1] * 1000 + floor(time[2] / 1000), false
end
local second, bucket = min(floor(now / 1000), U32), floor(now / LEASE)

local function terms(at)
  local n = function(i) return tonumber(ARGV[at + i]) end
  return { limit = n(0), slot = max(n(1), 1), waits = n(2) == 1, cap = n(3), forget = n(4), remember = n(5) }
end

local function fresh()
  local s = { slot = 0, wait_until = 0, last = 0, success = 0, consecutive = 0, strikes = 0, bucket = 0, slots = {}, flights = {} }
  for i = 0, SLOTS - 1 do s.slots[i], s.flights[i] = 0, 0 end
  return s
end

local function unpacked(raw)
  local s = fresh()
  if not raw or #raw ~= struct.size(FORM) then return s end
  local v = { struct.unpack(FORM, raw) }
  s.slot, s.bucket, s.wait_until, s.last, s.success, s.consecutive, s.strikes = unpack(v, 1, 7)
  for i = 0, SLOTS - 1 do s.slots[i], s.flights[i] = v[8 + i], v[8 + SLOTS + i] end
  return s
end

local function packed(s)
  local v = { s.slot, s.bucket, s.wait_until, s.last, s.success, s.consecutive, s.strikes }
  for i = 0, SLOTS - 1 do v[8 + i], v[8 + SLOTS + i] = s.slots[i], s.flights[i] end
  return struct.pack(FORM, unpack(v))
end

local function flight(s)
  local sum = 0
  for at = max(bucket, s.bucket) - SLOTS + 1, s.bucket do
    if at >= 0 then sum = sum + s.flights[at % SLOTS] end
  end
  return min(sum, U16)
end

local function reserve(s)
  for at = max(s.bucket + 1, bucket - SLOTS + 1), bucket do s.flights[at % SLOTS] = 0 end
  s.bucket = max(s.bucket, bucket)
  local at = max(bucket, s.bucket - SLOTS + 1) % SLOTS
  s.flights[at] = min(s.flights[at] + 1, U16)
end

-- A lease that is fresh by the clock and old by the state is of a clock that was set back: it is in the oldest slot.
local function release(s, lease)
  if lease > bucket - SLOTS and lease <= s.bucket then
    local at = max(lease, s.bucket - SLOTS + 1) % SLOTS
    s.flights[at] = max(s.flights[at] - 1, 0)
  end
end

local function current(s, t) return max(floor(now / t.slot), s.slot) end

local function count(s, t)
  local sum = 0
  for at = max(current(s, t) - SLOTS + 1, 0), s.slot do sum = sum + s.slots[at % SLOTS] end
  return sum
end

local function run(s, t)
  if min(s.last + t.forget, U32) > second then return s.consecutive end
  return 0
end

local function is_spent(s, t) return t.cap > 0 and run(s, t) >= t.cap end

local function is_familiar(s, t)
  return s.success ~= 0 and min(s.success + t.remember, U32) > second and not is_spent(s, t)
end

local function frees(s, t, left)
  for at = max(current(s, t) - SLOTS + 1, 0), s.slot do
    left = left - min(s.slots[at % SLOTS], left)
    if left < t.limit then return min(max((at + SLOTS) * t.slot - now, 1), t.slot * SLOTS) end
  end
  return t.slot * SLOTS
end

local function end_of_run(s, t)
  local row = run(s, t)
  if t.cap > 0 and row >= t.cap then return max((s.last + t.forget) * 1000 - now, 0) end
  if t.cap > 0 and row + flight(s) >= t.cap then return IN_FLIGHT end
  return 0
end

local function refusal(s, t)
  local wait = min(max(s.wait_until * 1000 - now, 0), LONGEST_WAIT * 1000)
  local failed, window = count(s, t), 0
  if failed >= t.limit then
    window = frees(s, t, failed)
  elseif failed + flight(s) >= t.limit then
    window = IN_FLIGHT
  end
  return max(wait, window, end_of_run(s, t))
end

local function is_unused(s, t) return flight(s) == 0 and not is_familiar(s, t) end

local function fail(s, t)
  local at = current(s, t)
  for stale = max(s.slot + 1, at - SLOTS + 1), at do s.slots[stale % SLOTS] = 0 end
  s.slot = at
  s.slots[at % SLOTS] = min(s.slots[at % SLOTS] + 1, U16)
  s.consecutive = min(run(s, t) + 1, U8)
  if min(s.last + FADE, U32) <= second then s.strikes = 0 end
  s.last = max(s.last, second)
  if t.waits and count(s, t) >= t.limit then
    local wait = FIRST_WAIT * 2 ^ min(s.strikes, 7)
    s.wait_until = max(s.wait_until, second + min(wait, LONGEST_WAIT))
    s.strikes = min(s.strikes + 1, U8)
  end
end

-- A success within a window of another forgives no failures.
local function succeed(s, t)
  local again = s.success ~= 0 and s.success * 1000 + t.slot * SLOTS > now
  for name, value in pairs(fresh()) do
    local stays = again and (name == 'slot' or name == 'slots' or name == 'strikes' or name == 'last')
    if name ~= 'flights' and name ~= 'bucket' and not stays then s[name] = value end
  end
  s.success = second
end

-- The millisecond from which nothing of a state matters any more.
local function expires(s, t)
  local ends = s.wait_until
  for i = 0, SLOTS - 1 do
    if s.slots[i] > 0 then ends = max(ends, floor((s.slot + SLOTS) * t.slot / 1000) + 1) end
  end
  if s.consecutive > 0 and t.cap > 0 then ends = max(ends, s.last + t.forget) end
  if s.strikes > 0 then ends = max(ends, s.last + FADE) end
  if s.success > 0 then ends = max(ends, s.success + t.remember) end
  ends = ends * 1000
  if flight(s) > 0 then ends = max(ends, (s.bucket + SLOTS) * LEASE) end
  return ends
end

local function keep(key, s, t)
  local life = expires(s, t) - now
  if life <= 0 then
    redis.call('DEL', key)
  else
    -- A clock of the caller's own may stand still while the server's runs.
    if given then life = life + 600000 end
    redis.call('SET', key, packed(s), 'PX', string.format('%.0f', min(life, 1e13)))
  end
end

local route, address, account, own = terms(4), terms(10), terms(16), terms(22)
-- `challenge::TERMS`.
local solved = { limit = 1, slot = 60000, waits = false, cap = 0, forget = 0, remember = 1320 }
local fifth = ARGV[3]
local by = { route, address, account, own, fifth == 'challenge' and solved or own }
local states = {}
for i, raw in ipairs(redis.call('MGET', unpack(KEYS))) do states[i] = unpacked(raw) end
-- Whom somebody of a standing is judged by, in the order of `Ask::judges`.
local judges = { [0] = { 4, 3, 2, 1 }, [1] = { 4 }, [2] = { 5 }, [3] = { 4, 3, 2, 1 } }

local function longest(standing)
  local why, worst = 0, 0
  for _, i in ipairs(judges[standing]) do
    local wait
    if standing == 3 and i == 1 then
      wait = 0
    elseif standing == 3 and i == 3 then
      wait = end_of_run(states[i], by[i])
    else
      wait = refusal(states[i], by[i])
    end
    if wait > worst then why, worst = min(i, 4) - 1, wait end
  end
  return worst, why
end

if ARGV[1] == 'reserve' then
  local standing = 0
  if fifth == 'device' and not is_spent(states[5], own) then
    standing = 2
  elseif is_familiar(states[4], own) then
    standing = 1
  end
  local worst, why = longest(standing)
  if worst > 0 then
    local solvable = standing == 0 and longest(3) == 0
    if not (solvable and fifth == 'challenge' and is_unused(states[5], solved)) then
      return { 0, why, worst, solvable and 1 or 0 }
    end
    standing = 3
    reserve(states[5])
    keep(KEYS[5], states[5], solved)
  end
  for _, i in ipairs(judges[standing]) do
    reserve(states[i])
    keep(KEYS[i], states[i], by[i])
  end
  return { 1, standing, bucket, 0 }
end

local standing, outcome, lease = tonumber(ARGV[28]), tonumber(ARGV[29]), tonumber(ARGV[30])
local changed = {}
for _, i in ipairs(judges[standing]) do
  release(states[i], lease)
  if outcome == 1 then fail(states[i], by[i]) end
  changed[i] = true
end
if standing == 3 then
  release(states[5], lease)
  if outcome ~= 0 then succeed(states[5], solved) end
  changed[5] = true
end
if outcome == 2 then
  if standing == 2 then succeed(states[5], own) end
  succeed(states[4], own)
  states[3].consecutive = 0
  changed[4], changed[3] = true, true
end
for i in pairs(changed) do keep(KEYS[i], states[i], by[i]) end
return 1
