"""Scripts about what nodes found: commits, logs, messages, contents (`scripts` has what they share)."""

from __future__ import annotations

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

SHARD_SCRIPTS = {
    "commit": COMMIT, "claim": CLAIM, "read": READ, "copy": COPY, "inbox": INBOX, "is_finished": IS_FINISHED,
    "standing": STANDING, "oldest_mail": OLDEST_MAIL,
}  # fmt: skip
