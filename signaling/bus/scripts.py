"""What nodes ask of Redis in one step each: Lua scripts, which Redis runs one after the other.

`memory.py` says the same in Python. Keys, behind a prefix of the cluster's own:

    nodes          sorted set: node → when it was last seen, in ms by Redis' clock
    origin         when this Redis was first used by this cluster: another value, and it was emptied meanwhile
    room:{name}    hash: owner, epoch, seq, about (JSON), m:{session} (JSON, each member), lost (what was written before
                   may have gone when Redis was emptied, and nothing has been written since); a day after the last
                   event it expires, should all nodes have died (an owner that is alive writes it anew)
    bans:{name}    hash: "user NAME" or "token DIGEST" → until when, in s since 1970; expires with the last of them
    left:{name}    stream: last words to who was removed and may not have heard them (u: JSON); at most 256 of them, and
                   no longer than they may come back
    in:{node}      stream: parcels for a node (p), and when each was written (t: s.µs by Redis' clock); expires when
                   nobody writes to it or reads from it
"""

from hashlib import sha1

BEAT = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2])
redis.call('SET', KEYS[2], t[1] .. '.' .. t[2], 'NX')
redis.call('XTRIM', KEYS[3], 'MINID', ARGV[3])
redis.call('PEXPIRE', KEYS[3], ARGV[4])
return {redis.call('GET', KEYS[2]), redis.call('ZRANGE', KEYS[1], 0, -1), t[1], t[2]}
"""

CLAIM = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local owner = redis.call('HGET', KEYS[1], 'owner')
local seen = owner and redis.call('ZSCORE', KEYS[2], owner)
local second, part = string.match(redis.call('GET', KEYS[4]) or t[1] .. '.' .. t[2], '(%d+)%.(%d+)')
local age = now - second * 1000 - math.floor(part / 1000)
if not owner and age < 2 * ARGV[2] then
  redis.call('HSET', KEYS[1], 'lost', 1)
end
if not owner or (owner ~= ARGV[1] and (not seen or tonumber(seen) <= now - ARGV[2])) then
  local epoch = math.max((redis.call('HGET', KEYS[1], 'epoch') or 0) + 1, t[1] * 1000000 + t[2])
  redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'epoch', string.format('%.0f', epoch))
  redis.call('PEXPIRE', KEYS[1], 86400000)
  owner = ARGV[1]
end
if owner ~= ARGV[1] then
  return {owner, redis.call('HGET', KEYS[1], 'epoch')}
end
return {owner, redis.call('HGET', KEYS[1], 'epoch'), redis.call('HGETALL', KEYS[1]), redis.call('HGETALL', KEYS[3]),
  redis.call('GET', KEYS[4]) or '', redis.call('XRANGE', KEYS[5], '-', '+'), age}
"""

COMMIT = """
local mine = redis.call('HMGET', KEYS[1], 'owner', 'epoch')
if mine[1] ~= ARGV[1] or mine[2] ~= ARGV[2] then
  return 0
end
redis.call('HSET', KEYS[1], 'seq', ARGV[3])
redis.call('PEXPIRE', KEYS[1], 86400000)
if ARGV[4] ~= '' then
  redis.call('HSET', KEYS[1], 'about', ARGV[4])
  redis.call('HDEL', KEYS[1], 'lost')
end
local at = 7
local function each(step)
  local count = tonumber(ARGV[at])
  at = at + 1
  for i = 1, count do
    step(at)
  end
end
each(function() redis.call('HSET', KEYS[1], 'm:' .. ARGV[at], ARGV[at + 1]) at = at + 2 end)
each(function() redis.call('HDEL', KEYS[1], 'm:' .. ARGV[at]) at = at + 1 end)
local bans = tonumber(ARGV[at])
each(function() redis.call('HSET', KEYS[2], ARGV[at], ARGV[at + 1]) at = at + 2 end)
if bans > 0 then
  local last = 0
  for _, until_ in ipairs(redis.call('HVALS', KEYS[2])) do
    last = math.max(last, tonumber(until_))
  end
  redis.call('PEXPIREAT', KEYS[2], string.format('%.0f', last * 1000))
end
local words = tonumber(ARGV[at + 1])
local keep = ARGV[at]
at = at + 1
each(function() redis.call('XADD', KEYS[3], 'MAXLEN', '256', '*', 'u', ARGV[at]) at = at + 1 end)
if words > 0 then
  redis.call('PEXPIRE', KEYS[3], keep)
end
if ARGV[5] == '1' then
  redis.call('DEL', KEYS[1])
end
local t = redis.call('TIME')
for i = 4, #KEYS do
  redis.call('XADD', KEYS[i], 'MAXLEN', '~', ARGV[6], '*', 'p', ARGV[at], 't', t[1] .. '.' .. t[2])
  redis.call('PEXPIRE', KEYS[i], 30000)
  at = at + 1
end
return 1
"""

POST = """
local t = redis.call('TIME')
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'p', ARGV[3], 't', t[1] .. '.' .. t[2])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""

OWNER = """
local owner = redis.call('HGET', KEYS[1], 'owner')
if not owner then
  return false
end
return redis.call('ZSCORE', KEYS[2], owner) and owner or ''
"""

END = """
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('DEL', KEYS[3])
if redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('DEL', KEYS[2])
end
"""

ALL = (BEAT, CLAIM, COMMIT, POST, OWNER, END)


def digest(script: str) -> str:
    """Return what Redis calls a script that it knows."""
    return sha1(script.encode(), usedforsecurity=False).hexdigest()
