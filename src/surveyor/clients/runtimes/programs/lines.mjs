// Call once for each line of standard input, by `fetch` or by `http` with its default agent: node lines.mjs CLIENT URL.
// The lines are those of python_lines.py.
import http from 'node:http';
import readline from 'node:readline';

const WITHIN = 2000;
const [kind, url] = process.argv.slice(2);

const byFetch = async () => (await (await fetch(url, { signal: AbortSignal.timeout(WITHIN) })).json()).address;

const byHttp = () =>
  new Promise((resolve, reject) => {
    const request = http.get(url, { timeout: WITHIN }, (response) => {
      let body = '';
      response.on('data', (part) => (body += part));
      response.on('end', () => {
        try {
          resolve(JSON.parse(body).address);
        } catch (error) {
          reject(error);
        }
      });
    });
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', reject);
  });

const call = kind === 'fetch' ? byFetch : byHttp;
const write = (answer) => process.stdout.write(JSON.stringify(answer) + '\n');

write({ ready: true });
for await (const line of readline.createInterface({ input: process.stdin })) {
  const number = Number(line);
  try {
    write({ number, ok: true, address: await call(), error: '' });
  } catch (error) {
    write({ number, ok: false, address: '', error: String(error.cause ?? error).slice(0, 200) });
  }
}
