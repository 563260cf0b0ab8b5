import type { Redis } from 'ioredis';
import { type GuessRule, LONGEST_CHECK } from './guess-rules.js';
import type { GuessStore, Outcome, Verdict } from './guess-store.js';
import { toVerdict } from './postgres-guess-store.js';

/** The tag in braces keeps the keys of one guess on one node of a Redis cluster. */
export const PREFIX = '{gatehouse}:guess:';

/** One hash for each count, which Redis itself removes when it is to be forgotten. */
const RESERVE = `
local rules, now, refused, wait = cjson.decode(ARGV[1]), redis.call('TIME'), -1, 0
now = now[1] * 1000 + math.floor(now[2] / 1000)
local places = {}
for i, rule in ipairs(rules) do
  local count = redis.call('HMGET', KEYS[i], 'wrong', 'pending', 'blockedUntil')
  local wrong, pending, lapsed = tonumber(count[1] or 0), {}, 0
  for _, since in ipairs(cjson.decode(count[2] or '[]')) do
    if since < now - ${LONGEST_CHECK} then lapsed = lapsed + 1 else table.insert(pending, since) end
  end
  if lapsed > 0 then
    wrong = wrong + lapsed
    redis.call('HSET', KEYS[i], 'wrong', wrong, 'pending', cjson.encode(pending))
  end
  local blocked = tonumber(count[3] or 0) - now
  local room = rule.free - wrong
  if room <= 0 then room = blocked <= 0 and 1 or 0 end
  if not rule.open and #pending >= room then
    if refused < 0 or room == 0 then refused = i - 1; wait = room == 0 and blocked or 0 end
    if room == 0 then break end
  end
  places[i] = pending
end
if refused >= 0 then return { refused, math.ceil(wait), 0 } end
for i, rule in ipairs(rules) do
  local fresh = redis.call('EXISTS', KEYS[i]) == 0
  table.insert(places[i], now)
  redis.call('HSET', KEYS[i], 'pending', cjson.encode(places[i]))
  if fresh then redis.call('PEXPIRE', KEYS[i], rule.forget) end
end
return { -1, 0, now }`;

const SETTLE = `
local rules, since, outcome, now = cjson.decode(ARGV[1]), tonumber(ARGV[2]), ARGV[3], redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
for i, rule in ipairs(rules) do
  if redis.call('EXISTS', KEYS[i]) == 1 then
    local pending, held = cjson.decode(redis.call('HGET', KEYS[i], 'pending') or '[]'), false
    for place = #pending, 1, -1 do
      if pending[place] == since and not held then held = true; table.remove(pending, place) end
    end
    redis.call('HSET', KEYS[i], 'pending', cjson.encode(pending))
    if outcome == 'wrong' and held then
      local wrong = redis.call('HINCRBY', KEYS[i], 'wrong', 1)
      if rule.consecutive then redis.call('PEXPIRE', KEYS[i], rule.forget) end
      if wrong >= rule.free then
        local pause = math.min(rule.first * 2 ^ math.min(wrong - rule.free, 40), rule.most)
        local blocked = now + math.min(pause, redis.call('PTTL', KEYS[i]))
        redis.call('HSET', KEYS[i], 'blockedUntil', string.format('%d', blocked))
      end
    elseif outcome == 'right' and rule.consecutive then
      redis.call('HDEL', KEYS[i], 'wrong', 'blockedUntil')
    end
    if #pending == 0 and tonumber(redis.call('HGET', KEYS[i], 'wrong') or 0) == 0 then redis.call('DEL', KEYS[i]) end
  end
end`;

type Scripted = Redis & {
  guessesReserve(keys: number, ...args: string[]): Promise<[rule: number, waitMs: number, since: number]>;
  guessesSettle(keys: number, ...args: string[]): Promise<void>;
};

/** Counts guesses in Redis: one script each, which Redis runs alone. Times are Redis's. */
export class RedisGuessStore implements GuessStore {
  private readonly redis: Scripted;

  constructor(redis: Redis) {
    redis.defineCommand('guessesReserve', { lua: RESERVE });
    redis.defineCommand('guessesSettle', { lua: SETTLE });
    this.redis = redis as Scripted;
  }

  async reserve(rules: readonly GuessRule[]): Promise<Verdict> {
    const keys = keysOf(rules);
    const [rule, waitMs, since] = await this.redis.guessesReserve(keys.length, ...keys, JSON.stringify(rules));
    return toVerdict({ rule: rule < 0 ? null : rule, waitMs, since });
  }

  async settle(rules: readonly GuessRule[], since: number, outcome: Outcome): Promise<void> {
    const keys = keysOf(rules);
    await this.redis.guessesSettle(keys.length, ...keys, JSON.stringify(rules), String(since), outcome);
  }

  async forget(keys: readonly string[]): Promise<void> {
    if (keys.length > 0) await this.redis.del(keys.map((key) => PREFIX + key));
  }
}

function keysOf(rules: readonly GuessRule[]): string[] {
  return rules.map(({ key }) => PREFIX + key);
}
