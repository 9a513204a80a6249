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

from .node_scripts import NODE_SCRIPTS
from .shard_scripts import SHARD_SCRIPTS

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

SCRIPTS = {name: _PRELUDE + source for name, source in {**NODE_SCRIPTS, **SHARD_SCRIPTS}.items()}
"""By name. The first two arguments are the prefix of a crawl, and the time in milliseconds or nothing."""
