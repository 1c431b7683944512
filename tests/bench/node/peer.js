#!/usr/bin/env node
'use strict';
// What `ctp-enroll run` does, as a script of one afternoon in Node.js: undici, csv-parse, better-sqlite3. It does what
// aiohttp_peer.py does, and like that script has no retries, no pacing, no resume, no reports, and normalises nothing.
// Exit code: 0 when every card was taken, else 3.
const crypto = require('node:crypto');
const fs = require('node:fs');
const { parseArgs } = require('node:util');
const Database = require('better-sqlite3');
const { parse } = require('csv-parse');
const { Pool } = require('undici');

const BATCH = 1000;
const REQUIRED_OF_CARD = ['customer_id', 'account_id', 'card_id', 'owner_bid'];
const REQUIRED_OF_CUSTOMER = ['locale', 'first_name', 'last_name', 'emails', 'phones'];
const PERSON = ['locale', 'first_name', 'middle_name', 'last_name', 'country_code'];
const ADDRESS = ['address_line1', 'address_line2', 'city', 'state', 'postal_code', 'country_code'];
const PATH = '/v1/clicktopay/visa/enroll/customer';

class Ledger {
    constructor(path) {
        this.db = new Database(path);
        this.db.pragma('journal_mode = WAL');
        this.db.pragma('synchronous = FULL');
        this.db.exec('CREATE TABLE result (record INTEGER PRIMARY KEY, card_id INTEGER, customer_id INTEGER, ' +
            'cid TEXT, status INTEGER, code TEXT)');
        const insert = this.db.prepare('INSERT INTO result VALUES (?, ?, ?, ?, ?, ?)');
        this.store = this.db.transaction((rows) => {
            for (const row of rows)
                insert.run(row);
        });
        this.rows = [];
    }

    add(...row) {
        this.rows.push(row);
        if (this.rows.length >= BATCH)
            this.flush();
    }

    flush() {
        this.store(this.rows);
        this.rows = [];
    }
}

function records(path) {
    return fs.createReadStream(path).pipe(parse({ columns: true, bom: true, relax_column_count: true }));
}

function bodyOf(card, customer) {
    const source = card.billing_address_line1 ? card : customer;
    const address = {};
    const person = {};
    for (const name of ADDRESS)
        if (source['billing_' + name])
            address[name] = source['billing_' + name];
    for (const name of PERSON)
        if (customer[name])
            person[name] = customer[name];
    person.emails = customer.emails.split(';').map((text) => text.trim());
    person.phones = customer.phones.split(';').map((text) => text.replace(/\D/g, ''));
    if (customer.national_identifiers)
        person.national_identifiers = customer.national_identifiers.split(';').map((text) => {
            const colon = text.indexOf(':');
            return { type: text.slice(0, colon), value: text.slice(colon + 1) };
        });
    if (customer.consent_time)
        person.consent = { time_of_consent: customer.consent_time, version: customer.consent_version,
            presenter: customer.consent_presenter };
    return { owner_bid: card.owner_bid, card_information: { card_id: Number(card.card_id), billing_address: address },
        customer_information: person };
}

function missingIn(card, customer) {
    if (!customer)
        return 'no_customer';
    return REQUIRED_OF_CARD.every((name) => card[name]) && REQUIRED_OF_CUSTOMER.every((name) => customer[name]) ?
        null : 'required';
}

async function work(cards, customers, pool, options, ledger) {
    for (;;) {
        const { value, done } = await cards.next();
        if (done)
            return;
        const [record, card] = value;
        const customer = customers.get(card.customer_id);
        const fault = missingIn(card, customer);
        if (fault) {
            ledger.add(record, card.card_id, card.customer_id, '', 0, fault);
            continue;
        }
        const cid = crypto.randomUUID();
        const reply = await pool.request({ path: options.prefix + PATH, method: 'POST',
            headers: { 'content-type': 'application/json', 'x-tenant': options.tenant, 'x-cid': cid,
                'x-customer-id': card.customer_id, authorization: options.bearer },
            body: JSON.stringify(bodyOf(card, customer)) });
        await reply.body.dump();
        ledger.add(record, Number(card.card_id), Number(card.customer_id), cid, reply.statusCode,
            reply.statusCode === 202 ? 'accepted' : 'failed');
    }
}

async function* numbered(stream) {
    let record = 0;
    for await (const row of stream)
        yield [++record, row];
}

async function submit(options) {
    const customers = new Map();
    for await (const row of records(options.customers))
        customers.set(row.customer_id, row);
    const ledger = new Ledger(options.db);
    const url = new URL(options.url);
    options.prefix = url.pathname.replace(/\/$/, '');
    const pool = new Pool(url.origin, { connections: options.concurrency, pipelining: 1,
        connect: options.ca ? { ca: fs.readFileSync(options.ca) } : {} });
    const cards = numbered(records(options.cards));
    await Promise.all(Array.from({ length: options.concurrency }, () => work(cards, customers, pool, options, ledger)));
    ledger.flush();
    await pool.close();
    return ledger.db.prepare("SELECT count(*) AS rows, sum(code = 'accepted') AS accepted FROM result").get();
}

async function main() {
    const text = { type: 'string' };
    const { values: options } = parseArgs({ options: { cards: text, customers: text, url: text, db: text, ca: text,
        'token-file': text, tenant: { type: 'string', default: 'TN-BENCH' },
        concurrency: { type: 'string', default: '64' } } });
    options.concurrency = Number(options.concurrency);
    options.bearer = 'Bearer ' + fs.readFileSync(options['token-file'], 'ascii').trim();
    const { rows, accepted } = await submit(options);
    console.log(`${rows} cards, ${accepted} accepted`);
    process.exitCode = rows === accepted ? 0 : 3;
}

main();
