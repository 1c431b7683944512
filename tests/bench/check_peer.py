#!/usr/bin/env python3
"""What `ctp-enroll check` does, as a script of one afternoon: the peer that `make bench` sets beside it.

Python's own library only: csv for the records, unicodedata for NFC, re for the forms, dictionaries for the join.
It judges by the same rules (docs/input-rules.md), with the same problem codes, and writes the same files; the bench
compares them record by record, so that no peer is fast by doing less. It holds identifiers in memory and has no
resume. Not there: compressed input, input.max_bad, a quote that never closes before the last record (csv would read
on to the end of the file), JSON. Settings: --set SECTION.KEY=VALUE, those of [enroll], [input] and [columns].

Exit code: 0, 3 with refused records, 6 for a file that cannot be read.
"""
import argparse
import csv
import hashlib
import json
import os
import re
import sys
from datetime import datetime, timezone

from check_rules import CARD_FIELDS, CUSTOMER_FIELDS, FIELDS, LISTS, Rules

RESULT_COLUMNS = ('file record line customer_id account_id card_id state uncertain attempts http_status code message '
                  'cid event_id updated_at').split()
REQUIRED = ('customer_id', 'account_id', 'card_id', 'owner_bid', 'locale', 'first_name', 'last_name', 'emails', 'phones')
WITH_DEFAULT = ('owner_bid', 'locale')
PISMO_HAS = ('first_name', 'last_name', 'emails', 'phones')


class FileFault(Exception):
    pass


def header_key(name):
    return re.sub('[ _-]', '', name).lower()


class Table:
    """One input file, record by record, with its place and its bytes."""

    def __init__(self, path, carries, settings):
        self.path = path
        self.name = os.path.basename(path)
        self.records = 0
        self.codes = {}
        self.refused = 0
        with open(path, 'rb') as raw:
            self.sha256 = hashlib.file_digest(raw, 'sha256').hexdigest() if hasattr(hashlib, 'file_digest') else \
                hashlib.sha256(raw.read()).hexdigest()
        encoding = settings.get('input.encoding', 'UTF-8')
        self.file = open(path, newline='', encoding='utf-8-sig' if encoding.upper() == 'UTF-8' else encoding,
                         errors='surrogateescape')
        csv.field_size_limit(int(settings.get('input.max_record_bytes', 65536)))
        self.lines = []
        self.reader = csv.reader(self.keep_lines(), delimiter=settings.get('input.delimiter', ','), strict=True,
                                 skipinitialspace=True)
        self.header = next(self.reader, None)
        if not self.header:
            raise FileFault(f'{path}: empty: a header line with column names is needed')
        self.header_text = ''.join(self.lines).rstrip('\r\n')
        self.find_columns(carries, settings)

    def keep_lines(self):
        for line in self.file:
            self.lines.append(line)
            yield line

    def find_columns(self, carries, settings):
        """Which cells make which field, in the order in which they count; and the constants."""
        places = {}
        for place, name in enumerate(self.header):
            key = header_key(name)
            if key in places:
                raise FileFault(f"{self.path}: header: the column '{name}' stands twice")
            places[key] = place
        self.columns = []
        self.constants = {}
        for field in carries:
            wanted = [field]
            if field in LISTS:
                wanted += [f'{prefix}_{i}' for i in range(1, 6) for prefix in LISTS[field]]
            cells = []
            for name in wanted:
                header = settings.get(f'columns.{name}', name)
                if header.startswith('"'):
                    self.constants[field] = header.strip('"')
                elif header_key(header) in places:
                    cells.append((name, places[header_key(header)]))
            if cells:
                self.columns.append((field, cells))
            elif field in REQUIRED and field not in self.constants and \
                    not (field in WITH_DEFAULT and settings.get(f'enroll.{field}')) and \
                    not (field in PISMO_HAS and settings.get('input.allow_internal') == 'yes'):
                raise FileFault(f"{self.path}: header: required column missing: '{field}'")
        # A field of one cell is a plain look-up; only lists in several columns are joined from them.
        self.single = [(field, cells[0][1]) for field, cells in self.columns if len(cells) == 1 and
                       cells[0][0] == field]
        self.several = [(field, cells) for field, cells in self.columns if len(cells) > 1 or cells[0][0] != field]

    def pick(self, row):
        raw = {field: row[place] for field, place in self.single}
        for field, cells in self.several:
            raw[field] = [(name, row[place]) for name, place in cells]
        for field, value in self.constants.items():
            if not field.startswith('billing') or any(raw.get(f) for f in FIELDS if f.startswith('billing')):
                raw[field] = value
        return raw

    def __iter__(self):
        """Yields (record, line, bytes as text, cells or a problem)."""
        width = len(self.header)
        while True:
            line = self.reader.line_num + 1
            self.lines.clear()
            try:
                row = next(self.reader)
            except StopIteration:
                return
            except csv.Error as error:
                long = 'field limit' in str(error)
                row = ('record_too_long', '') if long else ('unclosed_quote', f'on line {line}')
            if not row or (len(row) == 1 and not row[0].strip(' \t')):
                continue
            if type(row) is list and len(row) != width:
                row = ('column_count', f'{len(row)} instead of {width}')
            self.records += 1
            yield self.records, line, ''.join(self.lines).rstrip('\r\n'), row

    def count(self, problems):
        self.refused += 1
        for problem in problems:
            self.codes[problem[1]] = self.codes.get(problem[1], 0) + 1


class Rejects:
    """The refused records as they stand in the file, and why."""

    def __init__(self, out, name, table):
        self.file = open(os.path.join(out, name), 'w', newline='', encoding='utf-8', errors='surrogateescape')
        self.file.write(table.header_text + ',_ctp_code,_ctp_field,_ctp_message\n')
        self.writer = csv.writer(self.file, lineterminator='\n')

    def add(self, text, problems):
        self.file.write(text + ',')
        self.writer.writerow((join_codes(problems), ';'.join(problem[0] for problem in problems),
                              '; '.join(sentence(problem) for problem in problems)))


REMEDIES = {
    'required': ('required but not given', 'fill it in'),
    'too_long': ('too long', 'shorten it'),
    'bad_integer': ('not a whole number from 1 to 9223372036854775807', 'give the ID in digits only'),
    'bad_format': ('not in the expected form', 'correct it at the source'),
    'bad_character': ('holds a character that is not allowed', 'remove or replace it'),
    'bad_utf8': ('not valid UTF-8', 'export as UTF-8, or name the encoding'),
    'bad_country': ('not a country of ISO 3166-1', 'give its alpha-2, alpha-3 or three-digit code'),
    'bad_locale': ('not a locale', 'give language and country, such as en_US'),
    'bad_email': ('not an e-mail address', 'correct it'),
    'bad_phone': ('not a telephone number', 'give 8 to 15 digits with the calling code'),
    'bad_identifier': ('not a national identifier', 'give TYPE:VALUE'),
    'bad_timestamp': ('not a date and time', 'write YYYY-MM-DDThh:mm:ss.000Z'),
    'in_future': ('lies in the future', 'give the time of consent with its offset'),
    'too_many': ('more than 5 values', 'keep 5'),
    'looks_like_pan': ("looks like a payment card's number", "give Pismo's card ID"),
    'column_count': ('not as many cells as the header', 'look for a missing delimiter'),
    'record_too_long': ('longer than input.max_record_bytes', 'look for a quote that is not closed'),
    'unclosed_quote': ('a quote is opened and never closed', 'close it'),
    'no_customer': ('the customers file has no such customer_id', 'add the customer, or remove the card'),
    'customer_invalid': ("this customer's record is refused", "correct the customer's record"),
    'duplicate_customer': ('another record with this customer_id stands', 'keep one of the two'),
    'duplicate_card': ('another record with this card_id stands', 'keep one of the two'),
    'customer_two_accounts': ("this customer's cards stand under two accounts", 'check account_id'),
}


def sentence(problem):
    field, code, item, detail = problem
    wrong, remedy = REMEDIES[code]
    place = f'{field} (value {item}): ' if item else f'{field}: ' if field else ''
    return f"{place}{wrong}{f' ({detail})' if detail else ''}; {remedy}"


def join_codes(problems):
    return ';'.join(problem[1] for problem in problems)


# What is remembered of a customer: skipped, refused, or good with or without a billing address.
SKIPPED, REFUSED, WITHOUT_ADDRESS, WITH_ADDRESS = range(4)


def read_customers(table, rules, rejects):
    customers = {}
    for _, _, text, row in table:
        if type(row) is tuple:
            customer_id, skip, address, problems = 0, False, False, [('', row[0], 0, row[1])]
        else:
            customer_id, skip, address, problems = rules.customer(table.pick(row))
        if customer_id in customers:
            problems.append(('customer_id', 'duplicate_customer', 0, ''))
        elif customer_id:
            customers[customer_id] = SKIPPED if skip else REFUSED if problems else \
                WITH_ADDRESS if address else WITHOUT_ADDRESS
        if problems and not skip:
            rejects.add(text, problems)
            table.count(problems)
    return customers


class Cards:
    """Judges the cards among each other and against their customers; tells each one's state."""

    def __init__(self, table, rules, customers):
        self.table = table
        self.rules = rules
        self.customers = customers
        self.seen = set()
        self.account_of = {}  # the account of each customer's first good card
        self.two_accounts = set()
        self.totals = {'invalid': 0, 'skipped': 0, 'held': 0, 'ready': 0}

    def judge(self, row):
        if type(row) is tuple:
            return 0, 0, 0, False, [('', row[0], 0, row[1])]
        judge = self.rules.card if self.customers is not None else self.rules.both
        customer_id, account_id, card_id, skip, address, problems = judge(self.table.pick(row))
        if card_id in self.seen:
            problems.append(('card_id', 'duplicate_card', 0, ''))
        elif card_id:
            self.seen.add(card_id)
        if customer_id and self.customers is not None:
            customer = self.customers.get(customer_id)
            if customer is None:
                problems.append(('customer_id', 'no_customer', 0, ''))
            elif customer == REFUSED:
                problems.append(('customer_id', 'customer_invalid', 0, ''))
            elif customer == SKIPPED:
                skip = True
            elif customer == WITHOUT_ADDRESS and not address and not self.rules.allow_internal:
                problems.append(('billing_address_line1', 'required', 0, ''))
        return customer_id, account_id, card_id, skip, problems

    def state(self, customer_id, account_id, skip, problems):
        if skip:
            return 'skipped'
        if not problems:
            first = self.account_of.setdefault(customer_id, -account_id)
            if first < 0:
                self.account_of[customer_id] = account_id
                return 'ready'
            if first == account_id:
                return 'held'
            self.two_accounts.add(customer_id)
            if not self.rules.one_account:
                return 'held'
            problems.append(('account_id', 'customer_two_accounts', 0, ''))
        return 'invalid'


def read_cards(cards, results, rejects, now):
    name = cards.table.name
    for record, line, text, row in cards.table:
        customer_id, account_id, card_id, skip, problems = cards.judge(row)
        state = cards.state(customer_id, account_id, skip, problems)
        cards.totals[state] += 1
        if state == 'invalid':
            rejects.add(text, problems)
            cards.table.count(problems)
        codes = join_codes(problems) if state == 'invalid' else ''
        results.writerow((name, record, line, customer_id or '', account_id or '', card_id or '', state, '', 0, '',
                          codes, '', '', '', now))


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', 1)[0])
    parser.add_argument('--cards', required=True)
    parser.add_argument('--customers')
    parser.add_argument('--out', required=True)
    parser.add_argument('--set', action='append', default=[], metavar='SECTION.KEY=VALUE')
    options = parser.parse_args()
    options.settings = dict(setting.split('=', 1) for setting in options.set)
    return options


def check(options):
    moment = datetime.now(timezone.utc)
    now = moment.strftime('%Y-%m-%dT%H:%M:%S.000Z')
    rules = Rules(options.settings, moment)
    os.makedirs(options.out, exist_ok=True)
    customers, tables = None, []
    if options.customers:
        table = Table(options.customers, CUSTOMER_FIELDS, options.settings)
        customers = read_customers(table, rules, Rejects(options.out, 'customers.rejects.csv', table))
        tables.append(table)
    table = Table(options.cards, CARD_FIELDS if options.customers else FIELDS, options.settings)
    tables.append(table)
    cards = Cards(table, rules, customers)
    with open(os.path.join(options.out, 'results.csv'), 'w', newline='', encoding='utf-8') as file:
        results = csv.writer(file, lineterminator='\n')
        results.writerow(RESULT_COLUMNS)
        read_cards(cards, results, Rejects(options.out, 'cards.rejects.csv', table), now)
    codes = {}
    for table in tables:
        print(f'{table.path}: {table.records} records, {table.refused} refused (SHA-256 {table.sha256})')
        for code, count in table.codes.items():
            codes[code] = codes.get(code, 0) + count
    for code, count in sorted(codes.items(), key=lambda pair: -pair[1]):
        print(f'{count:12} {code}')
    for state, count in cards.totals.items():
        print(f'{count:12} {state}')
    if cards.two_accounts:
        print(f'warning: {len(cards.two_accounts)} customers have cards under more than one account')
    if rules.unusual:
        print(f'warning: {rules.unusual} billing addresses have unusual characters')
    with open(os.path.join(options.out, 'summary.json'), 'w', encoding='utf-8') as file:
        json.dump({'totals': cards.totals, 'problems': codes, 'refused_customers': tables[0].refused if
                   options.customers else 0}, file, indent=2)
    return 3 if codes else 0


if __name__ == '__main__':
    try:
        sys.exit(check(read_options()))
    except (FileFault, OSError, LookupError) as fault:
        print(f'check_peer: {fault}', file=sys.stderr)
        sys.exit(6)
