// server.js - the same for node. The trap it exists for: a synchronous child, which has a loop inside of the loop's callback.
const http = require('http'), fs = require('fs'), crypto = require('crypto'), { execSync } = require('child_process');

const stalls = {
    child() {
        execSync('sleep 0.02');  // STALL child
    },
    wait() {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);  // STALL wait
    },
    flush() {
        const fd = fs.openSync(process.argv[2], 'w');
        fs.writeSync(fd, Buffer.alloc(3000000));
        fs.fsyncSync(fd);  // STALL flush
        fs.closeSync(fd);
    },
    hash() {
        crypto.pbkdf2Sync('word', 'salt', 60000, 64, 'sha512');  // STALL hash
    },
    spin() {  // STALL spin
        let sum = 0;
        for (let i = 0; i < 60000000; i++)
            sum = (sum * 31 + i) | 0;
        return sum;
    },
};

const server = http.createServer((request, response) => {
    const name = request.url.slice(1);
    if (stalls[name])
        stalls[name]();
    setTimeout(() => {
        response.end(name.slice(0, 5).padEnd(5));
        if (name === 'quit')
            setTimeout(() => process.exit(7), 20);
    }, 1);
});
server.listen(0, '127.0.0.1', () => console.log('port', server.address().port));
