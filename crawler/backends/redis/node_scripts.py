"""Scripts about crawls and their nodes: who lives, and who holds what (`scripts` has what they share)."""

from __future__ import annotations

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

AGREE = """
if call('HGET', crawl, 'settings') == '' then call('HSET', crawl, 'settings', ARGV[3], 'seeds', ARGV[4]) end
return call('HMGET', crawl, 'settings', 'seeds')
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

KEEP_PAPER = """
-- name, the version that was seen, whether to drop it, its text
local papers, name, after = p .. 'papers', ARGV[3], ARGV[4]
local kept = call('HGET', papers, name)
local version = kept and string.match(kept, '^(%d+) ') or '0'
if version ~= after then return 0 end
if ARGV[5] == '1' then return call('HDEL', papers, name) end
call('HSET', papers, name, string.format('%d %s', version + 1, ARGV[6]))
return 1
"""

NODE_SCRIPTS = {
    "begin": BEGIN, "leave": LEAVE, "end": END, "beat": BEAT, "nodes": NODES, "forget": FORGET, "seize": SEIZE,
    "make": MAKE, "agree": AGREE, "instructions": INSTRUCTIONS, "instruct": INSTRUCT, "keep_paper": KEEP_PAPER,
}  # fmt: skip
