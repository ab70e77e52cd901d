// node_peer.js - what node's HTTP finds in what stands on standard input, for test_differential.py: a line for each case, a
// letter ('r' requests, 'a' an answer) and its bytes in hex; a line of JSON for each: {end, why, messages}, in the same order.
// Each case is said to a server, or by one, over loopback, and then the speaker's side ends. The trap it exists for: a parser
// that is called directly is not what node's users have.
'use strict';
const http = require('http'), net = require('net'), lines = require('readline').createInterface({ input: process.stdin });
const talks = new Map();                            // by the port of who speaks
const body = (message, then) => {
  const pieces = [];
  message.on('data', (piece) => pieces.push(piece));
  message.on('end', () => then(Buffer.concat(pieces).toString('hex')));
  message.on('error', () => {});
};

const server = http.createServer({ keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 }, (q, r) => {
  const talk = talks.get(q.socket.remotePort);
  body(q, (hex) => {
    talk.messages.push(`${q.method} ${q.url}|${hex}`);
    r.end();
  });
});
server.on('clientError', (error, socket) => {
  const talk = talks.get(socket.remotePort);
  if (talk && !talk.why) talk.why = `${error.code} ${error.reason || error.message}`;
  socket.destroy();
});

const ended = (talk) => ({
  end: !talk.why ? 'ok' : /EOF|ECONNRESET|aborted/.test(talk.why) ? 'more' : 'refused', why: talk.why, messages: talk.messages });

function requests(bytes, done) {
  const talk = { messages: [], why: '' };
  let port;
  const socket = net.connect({ port: server.address().port, host: '127.0.0.1', allowHalfOpen: true }, () => {
    port = socket.localPort;
    talks.set(port, talk);
    socket.end(bytes);
  });
  let heard = '';
  socket.setEncoding('latin1');
  socket.on('error', () => {});
  socket.on('data', (text) => { heard += text; });
  socket.on('close', () => {
    const refusal = /HTTP\/1\.1 4\d\d [^\r\n]*/.exec(heard);
    if (refusal && !talk.why) talk.why = refusal[0];
    talks.delete(port);
    done(ended(talk));
  });
}

function answer(bytes, done) {
  const talk = { messages: [], why: '' };
  let over = false;
  const finish = () => { if (!over) { over = true; speaker.close(); done(ended(talk)); } };
  const speaker = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(bytes));
  });
  speaker.listen(0, '127.0.0.1', () => {
    const q = http.get({ port: speaker.address().port, host: '127.0.0.1', agent: false }, (r) => {
      r.on('aborted', () => { talk.why = talk.why || 'aborted'; });
      body(r, (hex) => talk.messages.push(`${r.statusCode}|${hex}`));
    });
    q.on('upgrade', (r, socket) => { socket.destroy(); });
    q.on('error', (error) => { talk.why = talk.why || `${error.code} ${error.reason || error.message}`; });
    q.on('close', finish);
  });
}

// So many at a time; the answers in order.
const waiting = [], answers = [];
let running = 0, number = 0, said = 0, closed = false;
function next() {
  while (running < 16 && waiting.length) {
    const [mine, letter, bytes] = waiting.shift();
    running++;
    (letter === 'r' ? requests : answer)(bytes, (found) => {
      running--;
      answers[mine] = JSON.stringify(found);
      while (answers[said] !== undefined) {
        console.log(answers[said]);
        answers[said++] = '';
      }
      setImmediate(next);
    });
  }
  if (closed && !running && !waiting.length) server.close();
}
server.listen(0, '127.0.0.1', () => {
  lines.on('line', (line) => { waiting.push([number++, line[0], Buffer.from(line.slice(1), 'hex')]); next(); });
  lines.on('close', () => { closed = true; next(); });
});
