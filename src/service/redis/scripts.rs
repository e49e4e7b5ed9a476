//! The scripts that Redis runs. Each operation is one script, so that no other client acts between the look and the
//! action. SELECT inside a script changes the script's database only, and a failing SELECT ends the script.
//! (`redis-cli -n 99 FLUSHDB` flushes database 0 and says OK.)
//!
//! KEYS: the marker key. ARGV: the index, the mark. Each answers with one line that begins with a word.

/// Selects the index; answers with its owner unless it is us.
macro_rules! select {
    () => {
        r#"
local went = redis.pcall('SELECT', ARGV[1])
if type(went) == 'table' and went.err then return 'nowhere ' .. went.err end
local owner = redis.pcall('GET', KEYS[1])
if type(owner) == 'table' then
  if string.find(owner.err, 'WRONGTYPE') then return 'theirs a key that is not a string' end
  return owner
end
if owner and owner ~= ARGV[2] then return 'theirs ' .. owner end
"#
    };
}

/// Answers `ours`, `made`, `theirs …` or `keys <how many>`.
pub(super) const CLAIM: &str = concat!(
    select!(),
    r#"
if owner then return 'ours' end
local keys = redis.call('DBSIZE')
if keys > 0 then return 'keys ' .. keys end
redis.call('SET', KEYS[1], ARGV[2])
return 'made'
"#
);

/// Answers `ours`, `made` or `theirs …`. Keys without a mark are accepted: the caller knows whose they are.
pub(super) const RECLAIM: &str = concat!(
    select!(),
    r#"
if owner then return 'ours' end
redis.call('SET', KEYS[1], ARGV[2])
return 'made'
"#
);

/// Answers `dropped`, `missing`, `theirs …` or `keys <how many>`. ASYNC: the server is shared and must not block.
pub(super) const DROP: &str = concat!(
    select!(),
    r#"
if owner then
  redis.call('FLUSHDB', 'ASYNC')
  return 'dropped'
end
local keys = redis.call('DBSIZE')
if keys > 0 then return 'keys ' .. keys end
return 'missing'
"#
);

/// Answers `ours`, `missing`, `theirs …` or `keys <how many>`.
pub(super) const LOOK: &str = concat!(
    select!(),
    r#"
if owner then return 'ours' end
local keys = redis.call('DBSIZE')
if keys > 0 then return 'keys ' .. keys end
return 'missing'
"#
);

/// Answers `list ` and then JSON: every index that holds keys.
pub(super) const INVENTORY: &str = r#"
local found = {}
for index, keys in string.gmatch(redis.call('INFO', 'keyspace'), 'db(%d+):keys=(%d+)') do
  redis.call('SELECT', index)
  local owner = redis.pcall('GET', KEYS[1])
  if type(owner) == 'table' then
    if not string.find(owner.err, 'WRONGTYPE') then return owner end
    owner = 'a key that is not a string'
  end
  table.insert(found, {index = tonumber(index), keys = tonumber(keys), mark = owner or nil})
end
if #found == 0 then return 'list []' end
return 'list ' .. cjson.encode(found)
"#;
