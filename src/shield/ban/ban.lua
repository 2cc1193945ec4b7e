-- A drop into a bucket that replicas share, and a ban where it runs over: `bucket.rs` and `table.rs` in Lua, sum by sum.
--
-- KEYS: the client's state, the log of bans; both with one hash tag.
-- ARGV: milliseconds since 1970 or "" for the server's own time; the bucket's name; microseconds of a drop, and of a full bucket; milliseconds
-- after which bans are forgotten; most entries of the log; the sealed name of client and scenario; then the milliseconds of each step.
-- Answers: {0} for a drop that was taken, {1, step, until} for a ban that begins, {2, step, until} for one that holds.
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local bucket, cost, room, forget, most, sealed = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6], ARGV[7]
local max, min = math.max, math.min
local whole = function(n) return string.format('%.0f', n) end

local state = redis.call('HMGET', KEYS[1], bucket, 'until', 'strikes', 'step')
local full, till, strikes, step = tonumber(state[1]) or 0, tonumber(state[2]) or 0, tonumber(state[3]) or 0, tonumber(state[4]) or 0
if till > now then return { 2, step, till } end

local micros = now * 1000
local level = min(max(full - micros, 0), room) + cost
local life = room / 1000
if till + forget > now then life = max(life, till + forget - now) end
if level <= room then
  redis.call('HSET', KEYS[1], bucket, whole(micros + level))
  redis.call('PEXPIRE', KEYS[1], whole(max(life, 1)))
  return { 0 }
end

if till + forget <= now then strikes = 0 end
step = min(strikes, #ARGV - 8)
till = now + tonumber(ARGV[8 + step])
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'until', whole(till), 'strikes', whole(min(strikes + 1, 255)), 'step', whole(step))
redis.call('PEXPIRE', KEYS[1], whole(till + forget - now))
redis.call('XADD', KEYS[2], 'MAXLEN', '~', most, '*', 'sealed', sealed, 'step', whole(step), 'until', whole(till))
return { 1, step, till }
