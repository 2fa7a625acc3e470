/**
 * What the server runs to store messages: each once and in order, or none, however often they are sent.
 *
 * `KEYS`: what it remembers of the publisher, and the streams. `ARGV`: the number that must be stored already, how long to
 * remember (ms), the length of a stream or nothing, and for each message its number, its stream's place in `KEYS`, how many
 * fields follow, and those. Answers with the last number that is stored (-1: none), how many of these were stored before, and
 * what has failed. A script is one transaction, in the server's log too.
 */
export const storeScript = `
local last = redis.call('GET', KEYS[1]) or '-1'
if tonumber(last) < tonumber(ARGV[1]) then return {last, '0', 'what was sent before is not stored'} end
local at, known, failed = 4, 0, ''
while at <= #ARGV do
  local count = tonumber(ARGV[at + 2])
  if tonumber(ARGV[at]) <= tonumber(last) then
    known = known + 1
  else
    local stream, reply = KEYS[tonumber(ARGV[at + 1])]
    if ARGV[3] == '' then
      reply = redis.pcall('XADD', stream, '*', unpack(ARGV, at + 3, at + 2 + count))
    else
      reply = redis.pcall('XADD', stream, 'MAXLEN', '~', ARGV[3], '*', unpack(ARGV, at + 3, at + 2 + count))
    end
    if type(reply) == 'table' and reply.err then
      failed = reply.err
      break
    end
    last = ARGV[at]
  end
  at = at + 3 + count
end
if last ~= '-1' then redis.call('SET', KEYS[1], last, 'PX', ARGV[2]) end
return {last, tostring(known), failed}
`;
