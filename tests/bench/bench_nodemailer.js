// bench_nodemailer.js MESSAGES CONNECTIONS PORT: nodemailer's pool sends messages of 4,000 bytes, as many at once as keep its connections
// busy, to a relay on this host. Prints how many it sent a second; as in the other contestants the first connections are counted.
'use strict';
const nodemailer = require('nodemailer');

const [messages, connections, port] = process.argv.slice(2).map(Number);
const pool = nodemailer.createTransport({
	pool: true, host: '127.0.0.1', port, secure: false, ignoreTLS: true, maxConnections: connections, maxMessages: Infinity,
});
const text = ('x'.repeat(71) + '\n').repeat(51);
let next = 0;

async function worker() {
	while (next < messages) {
		const to = `person${next++}@example.com`;
		await pool.sendMail({ from: 'dana@example.com', to, subject: 'An onboarding checklist', text });
	}
}

async function main() {
	const start = process.hrtime.bigint();
	await Promise.all(Array.from({ length: 2 * connections }, worker));
	const seconds = Number(process.hrtime.bigint() - start) / 1e9;
	console.log(`${(messages / seconds).toFixed(1)} messages/s`);
	pool.close();
}

main().catch((e) => { console.error(e.message); process.exit(1); });
