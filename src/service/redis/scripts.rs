//! The scripts that Redis runs. Each operation is one script, so that no other client acts between the look and the
//! action. SELECT inside a script changes the script's database only, and a failing SELECT ends the script.
//! (`redis-cli -n 99 FLUSHDB` flushes database 0 and says OK.)
//!
//! KEYS: the marker key. ARGV: the index, the mark, the run id of the server that was claimed or nothing. Each answers with one line that begins with a word.

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

/// Reads the run id of the server, which is another one after each start.
macro_rules! run_id {
    () => {
        r#"
local run_id = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
"#
    };
}

/// Answers `ours <run id>`, `made <run id>`, `theirs …` or `keys <how many>`.
pub(super) const CLAIM: &str = concat!(
    run_id!(),
    select!(),
    r#"
if owner then return 'ours ' .. run_id end
local keys = redis.call('DBSIZE')
if keys > 0 then return 'keys ' .. keys end
redis.call('SET', KEYS[1], ARGV[2])
return 'made ' .. run_id
"#
);

/// Answers `ours <run id>`, `made <run id>`, `theirs …` or `restarted <how many>`. Keys without a mark are accepted while
/// the server is the one that was claimed, `ARGV[3]`; on another server, their owner is unknown.
pub(super) const RECLAIM: &str = concat!(
    run_id!(),
    select!(),
    r#"
if owner then return 'ours ' .. run_id end
local keys = redis.call('DBSIZE')
if keys > 0 and ARGV[3] ~= '' and ARGV[3] ~= run_id then return 'restarted ' .. keys end
redis.call('SET', KEYS[1], ARGV[2])
return 'made ' .. run_id
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

/// Answers `ours`, `missing`, `theirs …`, `keys <how many>`, or `restarted <how many>` when the server is not the one
/// that was claimed, `ARGV[3]`.
pub(super) const LOOK: &str = concat!(
    run_id!(),
    select!(),
    r#"
if owner then return 'ours' end
local keys = redis.call('DBSIZE')
if keys > 0 and ARGV[3] ~= '' and ARGV[3] ~= run_id then return 'restarted ' .. keys end
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

/// Answers what [`LOOK`] does for an index that is not ours.
macro_rules! require_ours {
    () => {
        r#"
if not owner then
  local keys = redis.call('DBSIZE')
  if keys > 0 then return 'keys ' .. keys end
  return 'missing'
end
"#
    };
}

/// Anything as hexadecimal digits, and back: answers are lines of text.
macro_rules! hex {
    () => {
        r#"
local digits = {}
for byte = 0, 255 do digits[string.char(byte)] = string.format('%02x', byte) end
local function hex(text) return (string.gsub(text, '.', digits)) end
local function unhex(text)
  return (string.gsub(text, '%x%x', function(pair) return string.char(tonumber(pair, 16)) end))
end
"#
    };
}

/// Answers what [`LOOK`] does for an index that is not ours; else `page <next cursor> ` and JSON: names of some keys, the
/// marker not among them. ARGV: further the cursor, and the most keys that there may be; `large`: there are more.
pub(super) const NAMES: &str = concat!(
    select!(),
    require_ours!(),
    hex!(),
    r#"
if redis.call('DBSIZE') - 1 > tonumber(ARGV[4]) then return 'large' end
local page = redis.call('SCAN', ARGV[3], 'COUNT', 5000)
local names = {}
for _, key in ipairs(page[2]) do
  if key ~= KEYS[1] then table.insert(names, hex(key)) end
end
if #names == 0 then return 'page ' .. page[1] .. ' []' end
return 'page ' .. page[1] .. ' ' .. cjson.encode(names)
"#
);

/// Dumps keys until 1 MB is reached: the server works on nothing else meanwhile, and writes 20 MB of digits a second. ARGV:
/// further how many bytes may be dumped, and a list of names as [`NAMES`] gives it. Answers `page <how many of the names> `
/// and JSON, the keys of these that are there; `large`: there are more bytes; or what [`LOOK`] does for an index that is not ours.
pub(super) const DUMP: &str = concat!(
    select!(),
    require_ours!(),
    hex!(),
    r#"
local found, done, size = {}, 0, 0
for _, name in ipairs(cjson.decode(ARGV[4])) do
  if size > 1000000 then break end
  done = done + 1
  local key = unhex(name)
  local dump = redis.call('DUMP', key)
  if dump then
    size = size + #dump
    if size > tonumber(ARGV[3]) then return 'large' end
    table.insert(found, {key = name, ttl = redis.call('PTTL', key), dump = hex(dump),
      digest = redis.sha1hex(#key .. ' ' .. key .. dump)})
  end
end
if #found == 0 then return 'page ' .. done .. ' []' end
return 'page ' .. done .. ' ' .. cjson.encode(found)
"#
);

/// Empties the index if its keys are still those whose digests, sorted, are the last of ARGV. Answers `dropped` or
/// `changed`, or what [`LOOK`] does for an index that is not ours.
pub(super) const DROP_UNCHANGED: &str = concat!(
    select!(),
    require_ours!(),
    r#"
local digests = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  if key ~= KEYS[1] then
    table.insert(digests, redis.sha1hex(#key .. ' ' .. key .. (redis.call('DUMP', key) or '')))
  end
end
table.sort(digests)
if table.concat(digests) ~= ARGV[3] then return 'changed' end
redis.call('FLUSHDB', 'ASYNC')
return 'dropped'
"#
);

/// Makes keys again from the last of ARGV, a list as [`DUMP`] gives it. Answers `restored`.
pub(super) const RESTORE: &str = concat!(
    select!(),
    require_ours!(),
    hex!(),
    r#"
for _, one in ipairs(cjson.decode(ARGV[3])) do
  local ttl = one.ttl
  if ttl < 0 then ttl = 0 elseif ttl == 0 then ttl = 1 end
  redis.call('RESTORE', unhex(one.key), ttl, unhex(one.dump), 'REPLACE')
end
return 'restored'
"#
);
