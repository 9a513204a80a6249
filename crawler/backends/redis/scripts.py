"""The scripts that the server runs: each is one step that happens whole or not at all.

All keys of a crawl begin with its prefix:

| key | holds |
|---|---|
| `crawl` | name, key, shards, settings, seeds, control; `queued`, `known`, `fetched`; the last number given out |
| `owner`, `epoch` | by shard: the life that holds it; how often it was taken |
| `log:SHARD` | the entries of a shard, a list; `cut` has the number of the copy with which it begins |
| `waiting` | rows that wait for another attempt |
| `inbox:SHARD` | messages, a stream; `mail` counts those of each shard |
| `content` | by mark: life, row and URL of the page that had it first; the life of a settled one is 0 |
| `alive` | by life: when it ends, in milliseconds |
| `life:LIFE` | name, commits, pages it may fetch, counts of its visits |
| `held:LIFE`, `open:LIFE` | its shards with their epochs; its open claims by row |
| `ips:LIFE` | addresses of which it has slots |
| `ip:ADDRESS` | by life: slots that it has, and wants |
| `nodes`, `lives:NAME` | by name: its latest life; all its lives |
| `history` | what the owner asked of all nodes, a list: the last one counts |
| `settled`, `positions`, `notes`, `roots` | totals, positions of outputs, notes, and roots by row |

Numbers of lives, epochs and messages are times in microseconds. So they are new even after a crash in which the
server forgot its last second.
"""

from __future__ import annotations

_PRELUDE = """
local p, now = ARGV[1], ARGV[2]
local call = redis.call
local micros
if now == '' then
    local t = call('TIME')
    now, micros = t[1] * 1000 + math.floor(t[2] / 1000), t[1] * 1000000 + t[2]
else
    now = tonumber(now)
    micros = now * 1000
end
local crawl, alive, owner, epochs = p .. 'crawl', p .. 'alive', p .. 'owner', p .. 'epoch'

local function fenced(why) return redis.error_reply('FENCED ' .. why) end

local function fresh()
    local last = tonumber(call('HGET', crawl, 'last') or 0)
    local n = math.max(micros, last + 1)
    local text = string.format('%.0f', n)
    call('HSET', crawl, 'last', text)
    return text
end

local function lives(life)
    local until_ = call('ZSCORE', alive, life)
    return until_ and tonumber(until_) > now
end

local function pairs_of(flat)
    local found = {}
    for i = 1, #flat, 2 do found[flat[i]] = flat[i + 1] end
    return found
end

local function drop_claim(mark, life, row)
    local found = call('HGET', p .. 'content', mark)
    if found then
        local of, at = string.match(found, '^(%d+)\\n(%d+)\\n')
        if of == life and (not row or at == row) then call('HDEL', p .. 'content', mark) end
    end
end

local function bury(life)
    for _, shard in ipairs(call('HKEYS', p .. 'held:' .. life)) do call('HDEL', owner, shard) end
    for _, ip in ipairs(call('SMEMBERS', p .. 'ips:' .. life)) do call('HDEL', p .. 'ip:' .. ip, life) end
    for row, mark in pairs(pairs_of(call('HGETALL', p .. 'open:' .. life))) do drop_claim(mark, life, row) end
    call('DEL', p .. 'held:' .. life, p .. 'ips:' .. life, p .. 'open:' .. life)
    call('ZREM', alive, life)
    call('HDEL', p .. 'pages', life)
    if call('EXISTS', p .. 'life:' .. life) == 1 then call('HSET', p .. 'life:' .. life, 'over', 1) end
end

local function end_node(name)
    local life = call('HGET', p .. 'nodes', name)
    if life and call('HGET', p .. 'life:' .. life, 'over') == '0' then bury(life) end
end

local function check_life(life, made)
    local over, commits = unpack(call('HMGET', p .. 'life:' .. life, 'over', 'commits'))
    if not over then return 'the server has forgotten this node: it came back without its last second' end
    if over ~= '0' then return 'this node was taken for dead: its shards may have another holder by now' end
    if tonumber(commits) < made then return 'the server came back without its last second' end
    return nil, tonumber(commits)
end
"""

BEGIN = """
-- name, milliseconds of a life, whether it is kept how URLs belong to the crawl
local name = ARGV[3]
end_node(name)
local life = fresh()
local key = p .. 'life:' .. life
call('HSET', key, 'name', name, 'commits', 0, 'over', 0, 'joined', now, 'beat', now, 'drains', 0)
call('ZADD', alive, now + ARGV[4], life)
call('HSET', p .. 'nodes', name, life)
call('RPUSH', p .. 'lives:' .. name, life)
if ARGV[5] == '1' then call('HSET', crawl, 'ways', 1) end
return {life, call('HGET', crawl, 'ways') or '0'}
"""

LEAVE = "bury(ARGV[3]) return 1"
END = "end_node(ARGV[3]) return 1"

BEAT = """
local wish = cjson.decode(ARGV[3])
local life = wish.life
local trouble = check_life(life, wish.made)
if trouble then return fenced(trouble) end
local key, held = p .. 'life:' .. life, p .. 'held:' .. life
call('ZADD', alive, now + wish.ttl, life)
call('HSET', key, 'beat', now)

for _, hold in ipairs(wish.free) do
    if call('HGET', owner, hold[1]) == life and call('HGET', held, hold[1]) == hold[2] then
        call('HDEL', owner, hold[1])
        call('HDEL', held, hold[1])
    end
end
for _, shard in ipairs(wish.take) do
    local other = call('HGET', owner, shard)
    if not other or (other ~= life and not lives(other)) then
        local epoch = fresh()
        if other then call('HDEL', p .. 'held:' .. other, shard) end
        call('HSET', owner, shard, life)
        call('HSET', epochs, shard, epoch)
        call('HSET', held, shard, epoch)
    end
end

local living, names = call('ZRANGEBYSCORE', alive, '(' .. now, '+inf'), {}
for _, one in ipairs(living) do names[#names + 1] = call('HGET', p .. 'life:' .. one, 'name') end

local fetched, allowed = tonumber(call('HGET', crawl, 'fetched') or 0), 0
if wish.limit ~= cjson.null then
    local others = 0
    for one, pages in pairs(pairs_of(call('HGETALL', p .. 'pages'))) do
        if not lives(one) then call('HDEL', p .. 'pages', one)  -- it cannot commit these any more
        elseif one ~= life then others = others + pages end
    end
    allowed = math.max(0, math.min(wish.pages, wish.limit - fetched - others))
    call('HSET', p .. 'pages', life, allowed)
end

local ips, slots, wanted = p .. 'ips:' .. life, {}, {}
for _, ip in ipairs(call('SMEMBERS', ips)) do
    if not wish.addresses[ip] then
        call('HDEL', p .. 'ip:' .. ip, life)
        call('SREM', ips, ip)
    end
end
for ip, want in pairs(wish.addresses) do
    local others, is_wanted = 0, false
    for one, told in pairs(pairs_of(call('HGETALL', p .. 'ip:' .. ip))) do
        if one ~= life and lives(one) then
            local has, wants = string.match(told, '(%d+) (%d+)')
            others = others + has
            is_wanted = is_wanted or tonumber(wants) > tonumber(has)
        end
    end
    local given = math.max(0, math.min(want, wish.per_address - others))
    call('HSET', p .. 'ip:' .. ip, life, given .. ' ' .. want)
    call('SADD', ips, ip)
    slots[ip] = given
    if given > 0 and is_wanted then wanted[#wanted + 1] = ip end
end

local version, said = call('LLEN', p .. 'history'), nil
if version > wish.version then said = cjson.decode(call('LINDEX', p .. 'history', -1)).text end
local control = call('HGET', key, 'drains') == '1' and 'stop' or call('HGET', crawl, 'control') or 'run'
return cjson.encode({
    nodes = names, held = pairs_of(call('HGETALL', held)), control = control,
    settled = pairs_of(call('HGETALL', p .. 'settled')), fetched = fetched, pages = allowed, addresses = slots,
    wanted = wanted, version = version, said = said
})
"""

COMMIT = """
-- a document, then entries of logs, messages, and marks of contents that their pages have no more
local batch = cjson.decode(ARGV[3])
local life, at = batch.life, 4
local trouble, commits = check_life(life, batch.made)
if trouble then return fenced(trouble) end
for _, hold in ipairs(batch.holds) do
    if call('HGET', owner, hold[1]) ~= life or call('HGET', epochs, hold[1]) ~= hold[2] then
        return fenced('shard ' .. hold[1] .. ' has another holder by now: nothing of this was stored')
    end
end
if commits > batch.made then return 0 end  -- it was made before the connection broke
if batch.limited and batch.pages > 0 and tonumber(call('HGET', p .. 'pages', life) or 0) < batch.pages then
    return fenced('this node may fetch no more pages: it was silent for too long')
end
local key = p .. 'life:' .. life

for _, shard in ipairs(batch.logs) do
    call('RPUSH', p .. 'log:' .. shard, ARGV[at])
    at = at + 1
end
for _, shard in ipairs(batch.mail) do
    call('XADD', p .. 'inbox:' .. shard, fresh() .. '-0', 'd', ARGV[at])
    call('HINCRBY', p .. 'mail', shard, 1)
    at = at + 1
end
for _, message in ipairs(batch.consumed) do
    local shard = message[1]
    if call('XDEL', p .. 'inbox:' .. shard, message[2] .. '-0') == 1
        and call('HINCRBY', p .. 'mail', shard, -1) <= 0 then
        call('HDEL', p .. 'mail', shard)
        call('DEL', p .. 'inbox:' .. shard)
    end
end
for _, row in ipairs(batch.waiting) do call('SADD', p .. 'waiting', row) end
for _, row in ipairs(batch.over) do call('SREM', p .. 'waiting', row) end
for row, root in pairs(batch.roots) do call('HSET', p .. 'roots', row, root) end
for _, row in ipairs(batch.no_roots) do call('HDEL', p .. 'roots', row) end

for _, row in ipairs(batch.void) do
    drop_claim(ARGV[at], '0', row)
    at = at + 1
end
local open = p .. 'open:' .. life
for _, row in ipairs(batch.claimed) do
    local mark = call('HGET', open, row)
    local found = mark and call('HGET', p .. 'content', mark)
    if found then call('HSET', p .. 'content', mark, (string.gsub(found, '^%d+', '0', 1))) end
    call('HDEL', open, row)
end
for _, row in ipairs(batch.unclaimed) do
    local mark = call('HGET', open, row)
    if mark then drop_claim(mark, life, row) end
    call('HDEL', open, row)
end

for sink, position in pairs(batch.positions) do call('HSET', p .. 'positions', sink, position) end
for _, sink in ipairs(batch.forgotten) do call('HDEL', p .. 'positions', sink) end
for name, note in pairs(batch.notes) do call('HSET', p .. 'notes', name, note) end
for name, grown in pairs(batch.settled) do
    call('HINCRBY', p .. 'settled', name, grown)
    call('HINCRBY', key, 's:' .. name, grown)
end
if batch.queued ~= 0 then call('HINCRBY', crawl, 'queued', batch.queued) end
if batch.known ~= 0 then call('HINCRBY', crawl, 'known', batch.known) end
if batch.pages ~= 0 then
    call('HINCRBY', crawl, 'fetched', batch.pages)
    call('HINCRBY', key, 'fetched', batch.pages)
    if batch.pages > 0 and call('HEXISTS', p .. 'pages', life) == 1 then
        local left = tonumber(call('HGET', p .. 'pages', life))
        call('HSET', p .. 'pages', life, math.max(0, left - batch.pages))
    end
end
for _, one in ipairs(batch.lost) do
    local told = pairs_of(call('HGETALL', p .. 'life:' .. one))
    for name, number in pairs(told) do
        if string.sub(name, 1, 2) == 's:' then
            call('HINCRBY', p .. 'settled', string.sub(name, 3), -number)
            call('HDEL', p .. 'life:' .. one, name)
        end
    end
    call('HINCRBY', crawl, 'fetched', -(told.fetched or 0))
    call('HDEL', p .. 'life:' .. one, 'fetched')
end
call('HINCRBY', key, 'commits', 1)
return 1
"""

CLAIM = """
-- life, then mark, row and URL of each page; returns an empty text for those that are first
local life, found = ARGV[3], {}
local contents, open = p .. 'content', p .. 'open:' .. ARGV[3]
for i = 4, #ARGV, 3 do
    local mark, row, url, first = ARGV[i], ARGV[i + 1], ARGV[i + 2], ''
    local told, is_kept = call('HGET', contents, mark), false
    if told then
        local of, at, text = string.match(told, '^(%d+)\\n(%d+)\\n(.*)$')
        if of == '0' or of == life or lives(of) then
            if at ~= row then first, is_kept = text, true
            elseif of == '0' then is_kept = true end  -- a page that is visited once more
        end
    end
    if not is_kept then
        local before = call('HGET', open, row)
        if before and before ~= mark then drop_claim(before, life, row) end
        call('HSET', contents, mark, life .. '\\n' .. row .. '\\n' .. url)
        call('HSET', open, row, mark)
    end
    found[#found + 1] = first
end
return found
"""

READ = """
-- shard, the copy and the number of entries that are known, the stamp of the last of them, most entries, most bytes
local log, cut = p .. 'log:' .. ARGV[3], call('HGET', p .. 'cut', ARGV[3]) or '0'
local from, length = tonumber(ARGV[5]), call('LLEN', log)
if cut ~= ARGV[4] then from = 0
elseif from > 0 then
    local last = call('LINDEX', log, from - 1)
    if not last or string.sub(last, 1, #ARGV[6]) ~= ARGV[6] then return {cut, -1, length, {}} end
end
local entries, bytes, at = {}, 0, from
while at < length and #entries < tonumber(ARGV[7]) and bytes < tonumber(ARGV[8]) do
    for _, entry in ipairs(call('LRANGE', log, at, at + 15)) do
        entries[#entries + 1] = entry
        bytes = bytes + #entry
    end
    at = from + #entries
end
return {cut, from, length, entries}
"""

COPY = """
-- life, shard, epoch, `first` or `more` or `last`, entries that the log has, then entries of its copy
local life, shard, epoch, step = ARGV[3], ARGV[4], ARGV[5], ARGV[6]
if call('HGET', owner, shard) ~= life or call('HGET', epochs, shard) ~= epoch then
    return fenced('shard ' .. shard .. ' has another holder by now: nothing of this was stored')
end
local log, copy = p .. 'log:' .. shard, p .. 'copy:' .. shard
if step == 'first' then call('DEL', copy) end
for i = 8, #ARGV do call('RPUSH', copy, ARGV[i]) end
if step == 'last' then
    if call('LLEN', log) ~= tonumber(ARGV[7]) then
        call('DEL', copy)
        return 0
    end
    call('RENAME', copy, log)
    call('HSET', p .. 'cut', shard, fresh())
end
return 1
"""

SEIZE = """
-- life, then shards: takes them from whoever holds them
local life, found = ARGV[3], {}
for i = 4, #ARGV do
    local other, epoch = call('HGET', owner, ARGV[i]), fresh()
    if other then call('HDEL', p .. 'held:' .. other, ARGV[i]) end
    call('HSET', owner, ARGV[i], life)
    call('HSET', epochs, ARGV[i], epoch)
    call('HSET', p .. 'held:' .. life, ARGV[i], epoch)
    found[#found + 1] = epoch
end
return found
"""

INBOX = """
-- most messages, then shards
local found, mail = {}, pairs_of(call('HGETALL', p .. 'mail'))
for i = 4, #ARGV do
    if mail[ARGV[i]] then
        for _, message in ipairs(call('XRANGE', p .. 'inbox:' .. ARGV[i], '-', '+', 'COUNT', ARGV[3])) do
            found[#found + 1] = {ARGV[i], message[1], message[2][2]}
        end
    end
end
return found
"""

IS_FINISHED = """
return tonumber(call('HGET', crawl, 'queued') or 0) <= 0 and call('SCARD', p .. 'waiting') == 0
    and call('EXISTS', p .. 'mail') == 0
"""

STANDING = """
return cjson.encode({
    positions = pairs_of(call('HGETALL', p .. 'positions')), notes = pairs_of(call('HGETALL', p .. 'notes')),
    settled = pairs_of(call('HGETALL', p .. 'settled')), pages = call('HGET', crawl, 'fetched') or '0'
})
"""

OLDEST_MAIL = """
-- returns the number of the first message that lies in an inbox; and of the last one
local first, last
for _, shard in ipairs(call('HKEYS', p .. 'mail')) do
    local one = call('XRANGE', p .. 'inbox:' .. shard, '-', '+', 'COUNT', 1)[1]
    local end_ = call('XREVRANGE', p .. 'inbox:' .. shard, '+', '-', 'COUNT', 1)[1]
    if one and (not first or tonumber(string.match(one[1], '%d+')) < tonumber(first)) then
        first = string.match(one[1], '%d+')
    end
    if end_ and (not last or tonumber(string.match(end_[1], '%d+')) > tonumber(last)) then
        last = string.match(end_[1], '%d+')
    end
end
return {first or '0', last or '0'}
"""

NODES = """
local found = {}
local held = {}
for _, name in ipairs(call('HKEYS', p .. 'nodes')) do
    local counts, latest = {}, call('HGET', p .. 'nodes', name)
    for _, life in ipairs(call('LRANGE', p .. 'lives:' .. name, 0, -1)) do
        for field, number in pairs(pairs_of(call('HGETALL', p .. 'life:' .. life))) do
            if string.sub(field, 1, 2) == 's:' then
                local word = string.sub(field, 3)
                counts[word] = (counts[word] or 0) + number
            end
        end
    end
    local told = pairs_of(call('HGETALL', p .. 'life:' .. latest))
    found[#found + 1] = {
        name = name, joined = told.joined, beat = now - told.beat, drains = told.drains == '1',
        alive = told.over == '0' and lives(latest) or false, shards = call('HLEN', p .. 'held:' .. latest),
        settled = counts
    }
end
return cjson.encode(found)
"""

FORGET = """
-- name: ends its latest life; returns all its lives, or nothing if it is alive
local life = call('HGET', p .. 'nodes', ARGV[3])
if life and call('HGET', p .. 'life:' .. life, 'over') == '0' and lives(life) then return false end
end_node(ARGV[3])
return call('LRANGE', p .. 'lives:' .. ARGV[3], 0, -1)
"""

MAKE = """
-- name, prefix of crawls, then key, shards: makes a crawl if there is none
local number = call('HGET', p .. 'crawls', ARGV[3])
if not number then
    number = call('HINCRBY', string.sub(p, 1, -2), 'crawls', 1)
    local made = p .. number .. ':crawl'
    call('HSET', p .. 'crawls', ARGV[3], number)
    call('HSET', made, 'name', ARGV[3], 'key', ARGV[4], 'shards', ARGV[5], 'made_at', now, 'control', 'run',
        'settings', '', 'seeds', '')
end
return tostring(number)
"""

INSTRUCTIONS = """
return {call('LLEN', p .. 'history'), call('LINDEX', p .. 'history', -1) or ''}
"""

INSTRUCT = """
-- version, who, text, changes, word for all nodes or nothing
if call('LLEN', p .. 'history') + 1 ~= tonumber(ARGV[3]) then return 0 end
call('RPUSH', p .. 'history', cjson.encode({at = now, who = ARGV[4], text = ARGV[5], changes = ARGV[6]}))
if ARGV[7] ~= '' then call('HSET', crawl, 'control', ARGV[7]) end
return 1
"""

AGREE = """
if call('HGET', crawl, 'settings') == '' then call('HSET', crawl, 'settings', ARGV[3], 'seeds', ARGV[4]) end
return call('HMGET', crawl, 'settings', 'seeds')
"""

SCRIPTS = {
    name: _PRELUDE + source for name, source in {
        "begin": BEGIN, "leave": LEAVE, "end": END, "beat": BEAT, "commit": COMMIT, "claim": CLAIM, "read": READ,
        "copy": COPY, "seize": SEIZE, "inbox": INBOX, "is_finished": IS_FINISHED, "standing": STANDING,
        "oldest_mail": OLDEST_MAIL, "nodes": NODES, "forget": FORGET, "make": MAKE, "agree": AGREE,
        "instructions": INSTRUCTIONS, "instruct": INSTRUCT,
    }.items()
}  # fmt: skip
"""By name. The first two arguments are the prefix of a crawl, and the time in milliseconds or nothing."""
