#!/usr/bin/env python3
"""compare.py OURS PEER: two report folders of check, by problem code and record by record.

Prints one line when they judge alike, else the differences: counts by code, then the first records that differ. The
exit code is 0 or 1. Messages and times may differ, judgements may not.
"""
import csv
import json
import os
import re
import sys
from collections import Counter

SHOWN = 10
RESULT_COLUMNS = ('record', 'line', 'customer_id', 'account_id', 'card_id', 'state', 'code')
REJECT_END = re.compile(r',([a-z0-9_;]+),([a-z0-9_;]*),(?:"(?:[^"]|"")*"|[^,"]*)$')


def read_results(path, columns):
    """The named cells of each record, in order."""
    with open(path, newline='', encoding='utf-8') as file:
        for row in csv.DictReader(file):
            yield tuple(row[column] for column in columns)


def read_rejects(path):
    """Codes and fields of each refused record, sorted. Its own bytes may be no CSV at all, so only what stands
    behind them is read."""
    with open(path, newline='', encoding='utf-8', errors='surrogateescape') as file:
        return sorted(match.groups() for match in map(REJECT_END.search, file.read().split('\n')[1:]) if match)


def problems(folder):
    with open(os.path.join(folder, 'summary.json'), encoding='utf-8') as file:
        summary = json.load(file)
    counts = dict(summary['problems'])
    counts.update({f'({state})': n for state, n in summary['totals'].items()})
    counts['(customers refused)'] = summary['refused_customers']
    return counts


def compare_counts(ours, peer):
    alike = True
    for code in sorted(ours.keys() | peer.keys()):
        if ours.get(code, 0) != peer.get(code, 0):
            print(f'  differs: {code}: ctp-enroll {ours.get(code, 0)}, peer {peer.get(code, 0)}')
            alike = False
    return alike


def compare_records(name, ours, peer):
    if ours == peer:
        return True
    print(f'  differs: {name}: ctp-enroll {len(ours)} records, peer {len(peer)}')
    for who, more, less in (('ctp-enroll', ours, peer), ('peer', peer, ours)):
        for record, count in list((Counter(more) - Counter(less)).items())[:SHOWN]:
            print(f'    only {who}, {count} times: {",".join(record)}')
    return False


def main(folders):
    counts = [problems(folder) for folder in folders]
    alike = compare_counts(*counts)
    results = [list(read_results(os.path.join(folder, 'results.csv'), RESULT_COLUMNS)) for folder in folders]
    alike = compare_records('results.csv', *results) and alike
    refused = 0
    for name in ('cards.rejects.csv', 'customers.rejects.csv'):
        rejects = [read_rejects(os.path.join(folder, name)) for folder in folders]
        alike = compare_records(name, *rejects) and alike
        refused += len(rejects[0])
    if alike:
        codes = sum(1 for code in counts[0] if not code.startswith('('))
        print(f'  same judgement of every record: {len(results[0])} cards, {refused} records refused, '
              f'{codes} problem codes')
    return 0 if alike else 1


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:3]))
