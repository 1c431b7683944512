#!/usr/bin/env python3
"""What `ctp-enroll run` does, as a script of one afternoon in Python: aiohttp, csv, sqlite3.

Customers into a dictionary, cards one by one, what is required checked, a JSON body, a POST with a bearer token, so many
at a time over kept connections, and one row a card in an SQLite file, a thousand in a transaction. It has no retries, no
pacing, no resume, no reports, and normalises nothing: it is a peer in speed, not in what it does.

Exit code: 0 when every card was taken, else 3.
"""
import argparse
import asyncio
import csv
import json
import sqlite3
import ssl
import sys
import uuid

import aiohttp

BATCH = 1000
REQUIRED_OF_CARD = ('customer_id', 'account_id', 'card_id', 'owner_bid')
REQUIRED_OF_CUSTOMER = ('locale', 'first_name', 'last_name', 'emails', 'phones')
ADDRESS = ('address_line1', 'address_line2', 'city', 'state', 'postal_code')
ADDRESS_COLUMNS = tuple((name, 'billing_' + name) for name in ADDRESS + ('country_code',))
PATH = '/v1/clicktopay/visa/enroll/customer'


class Ledger:
    def __init__(self, path):
        self.db = sqlite3.connect(path)
        self.db.execute('PRAGMA journal_mode = WAL')
        self.db.execute('PRAGMA synchronous = FULL')
        self.db.execute('CREATE TABLE result (record INTEGER PRIMARY KEY, card_id INTEGER, customer_id INTEGER, '
                        'cid TEXT, status INTEGER, code TEXT)')
        self.rows = []

    def add(self, *row):
        self.rows.append(row)
        if len(self.rows) >= BATCH:
            self.flush()

    def flush(self):
        self.db.executemany('INSERT INTO result VALUES (?, ?, ?, ?, ?, ?)', self.rows)
        self.db.commit()
        self.rows.clear()


def body_of(card, customer):
    source = card if card['billing_address_line1'] else customer
    address = {name: source[column] for name, column in ADDRESS_COLUMNS if source[column]}
    person = {name: customer[name] for name in ('locale', 'first_name', 'middle_name', 'last_name', 'country_code')
              if customer[name]}
    person['emails'] = [text.strip() for text in customer['emails'].split(';')]
    person['phones'] = [''.join(filter(str.isdigit, text)) for text in customer['phones'].split(';')]
    if customer['national_identifiers']:
        person['national_identifiers'] = [dict(zip(('type', 'value'), text.split(':', 1)))
                                          for text in customer['national_identifiers'].split(';')]
    if customer['consent_time']:
        person['consent'] = {'time_of_consent': customer['consent_time'], 'version': customer['consent_version'],
                             'presenter': customer['consent_presenter']}
    return {'owner_bid': card['owner_bid'], 'card_information': {'card_id': int(card['card_id']),
                                                                 'billing_address': address},
            'customer_information': person}


def missing_in(card, customer):
    if customer is None:
        return 'no_customer'
    for record, names in ((card, REQUIRED_OF_CARD), (customer, REQUIRED_OF_CUSTOMER)):
        for name in names:
            if not record[name]:
                return 'required'
    return None


async def work(cards, customers, session, options, ledger):
    for record, card in cards:
        customer = customers.get(card['customer_id'])
        fault = missing_in(card, customer)
        if fault:
            ledger.add(record, card['card_id'], card['customer_id'], '', 0, fault)
            continue
        cid = str(uuid.uuid4())
        headers = {'Content-Type': 'application/json', 'x-tenant': options.tenant, 'x-cid': cid,
                   'x-customer-id': card['customer_id'], 'Authorization': 'Bearer ' + options.token}
        body = json.dumps(body_of(card, customer), ensure_ascii=False, separators=(',', ':')).encode()
        async with session.post(options.url + PATH, data=body, headers=headers) as reply:
            await reply.read()
            code = 'accepted' if reply.status == 202 else 'failed'
            ledger.add(record, int(card['card_id']), int(card['customer_id']), cid, reply.status, code)


async def submit(options):
    with open(options.customers, newline='', encoding='utf-8') as file:
        customers = {row['customer_id']: row for row in csv.DictReader(file)}
    ledger = Ledger(options.db)
    trust = ssl.create_default_context(cafile=options.ca) if options.ca else None
    connector = aiohttp.TCPConnector(limit=options.concurrency, ssl=trust)
    with open(options.cards, newline='', encoding='utf-8') as file:
        cards = enumerate(csv.DictReader(file), 1)
        async with aiohttp.ClientSession(connector=connector) as session:
            await asyncio.gather(*(work(cards, customers, session, options, ledger)
                                   for _ in range(options.concurrency)))
    ledger.flush()
    return ledger.db.execute("SELECT count(*), sum(code = 'accepted') FROM result").fetchone()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', 1)[0])
    for name in ('cards', 'customers', 'url', 'db', 'token-file'):
        parser.add_argument('--' + name, required=True)
    parser.add_argument('--ca')
    parser.add_argument('--tenant', default='TN-BENCH')
    parser.add_argument('--concurrency', type=int, default=64)
    options = parser.parse_args()
    with open(options.token_file, encoding='ascii') as file:
        options.token = file.read().strip()
    rows, accepted = asyncio.run(submit(options))
    print(f'{rows} cards, {accepted} accepted')
    return 0 if rows == accepted else 3


if __name__ == '__main__':
    sys.exit(main())
