"""The rules of check_peer.py: one record's cells in, identifiers and problems out. See docs/input-rules.md.

A problem is (field, code, place in a list or 0, detail). Cells that are plain ASCII take a short way. Of
testdata/normalize.tsv only some international domains are judged otherwise: Python's library knows IDNA 2003.
"""
import json
import re
import unicodedata
from datetime import datetime, timedelta, timezone

ISO_CODES = '/usr/share/iso-codes/json'
ADDRESS = ('billing_address_line1', 'billing_address_line2', 'billing_address_line3', 'billing_city', 'billing_state',
           'billing_postal_code', 'billing_country_code')
FIELDS = ('customer_id', 'account_id', 'card_id', 'owner_bid', 'locale', 'first_name', 'middle_name', 'last_name',
          'country_code', 'emails', 'phones', 'national_identifiers', 'consent_time', 'consent_version',
          'consent_presenter') + ADDRESS + ('status',)
CARD_FIELDS = ('customer_id', 'account_id', 'card_id', 'owner_bid') + ADDRESS + ('status',)
CUSTOMER_FIELDS = tuple(field for field in FIELDS if field not in ('account_id', 'card_id', 'owner_bid'))
ORDER = {field: place for place, field in enumerate(FIELDS)}
LISTS = {'emails': ('email',), 'phones': ('phone',),
         'national_identifiers': ('national_identifier_type', 'national_identifier_value')}
MOST = {'first_name': 35, 'middle_name': 35, 'last_name': 35, 'emails': 255, 'national_identifiers': 24,
        'consent_version': 9, 'consent_presenter': 30, 'billing_address_line1': 64, 'billing_address_line2': 64,
        'billing_address_line3': 64, 'billing_city': 32, 'billing_state': 3, 'billing_postal_code': 9}
LIST_MOST = 5
ID_MOST = 2**63 - 1

BLANKS = re.compile('[ \t\r\n\u00a0]+')
LEADING = re.compile('^[ \ufeff]+')
CONTROL = re.compile('[\x00-\x1f\x7f-\x9f]')
NOT_UTF8 = re.compile('[\ud800-\udfff]')
ERROR_VALUE = re.compile('#(?:N/A|N/D|N/V|NV|REF)|#{2,}', re.I)
ERROR_SHAPE = re.compile('#[A-Z/0_\u0080-\U0010ffff]{2,}[!?]')
EXPONENT = re.compile('[0-9]{1,3}(?:[.,][0-9]+)?[Ee][+][0-9]+')
LOCALE = re.compile('([A-Za-z]{2})[_-]([A-Za-z]{2})')
LOCAL_PART = re.compile("[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:[.][A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
LABEL = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?'
DOMAIN = re.compile(f'(?:{LABEL}[.])+(?![0-9]+$){LABEL}')
PHONE = re.compile('[ ./()\u2010-\u2015-]*[+]?[0-9 ./()\u2010-\u2015-]*')
NO_DIGIT = re.compile('[^0-9]+')
TIMESTAMP = re.compile('([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,][0-9]+)?)?'
                       ' ?(?:[Zz]|([+-])([0-9]{2})(?::?([0-9]{2}))?)?)?')
FORBIDDEN = re.compile('[\\[\\]{}:&$^!=;*#<>"@`\u201d]')
MAYBE_UNUSUAL = re.compile("[^A-Za-z0-9 .',/()_-]")
STATE = re.compile('[A-Za-z0-9]{1,3}')
POSTAL_CODE = re.compile('[A-Za-z0-9]+(?:[ -][A-Za-z0-9]+)*')
DIGITS = re.compile('[0-9]+')
ZERO_DIGITS = {'AUS': 4, 'BRA': 8, 'COL': 6, 'DEU': 5, 'ESP': 5, 'EST': 5, 'FIN': 5, 'FRA': 5, 'ITA': 5, 'JPN': 7,
               'KOR': 5, 'MEX': 5, 'MYS': 5, 'NOR': 4, 'PER': 5, 'POL': 5, 'PRI': 5, 'SGP': 6, 'TUR': 5, 'UKR': 5,
               'USA': 5}
IDENTIFIER_TYPES = ('PASSPORT', 'DRIVING_LICENSE', 'NATIONAL_IDENTITY')
MISTAKEN = {'UK': 'GBR', 'GER': 'DEU', 'SUI': 'CHE', 'NED': 'NLD', 'EL': 'GRC'}
FAULT = object()  # given, but with a problem


def load(name, key):
    with open(f'{ISO_CODES}/{name}.json', encoding='utf-8') as file:
        return json.load(file)[key]


class Iso:
    def __init__(self):
        self.countries = {}
        self.parts = {}
        self.alpha2 = set()
        by_alpha2 = {}
        for country in load('iso_3166-1', '3166-1'):
            alpha3 = country['alpha_3']
            for key in ('alpha_2', 'alpha_3', 'numeric'):
                self.countries[country[key]] = alpha3
            self.alpha2.add(country['alpha_2'])
            by_alpha2[country['alpha_2']] = alpha3
            self.parts[alpha3] = set()
        for part in load('iso_3166-2', '3166-2'):
            if part['code'][:2] in by_alpha2:
                self.parts[by_alpha2[part['code'][:2]]].add(part['code'][3:])
        self.languages = {language['alpha_2'] for language in load('iso_639-2', '639-2') if 'alpha_2' in language}


def damaged(text):
    """What a spreadsheet leaves in place of a value."""
    if text[0] == '#':
        return ERROR_VALUE.fullmatch(text) is not None and len(text) > 1 or ERROR_SHAPE.fullmatch(text) is not None
    return ('E+' in text or 'e+' in text) and EXPONENT.fullmatch(text) is not None


def looks_like_pan(text):
    digits = text.replace(' ', '').replace('-', '')
    if not DIGITS.fullmatch(digits) or not 13 <= len(digits.lstrip('0')) <= 19:
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def valid_email(text):
    local, _, domain = text.partition('@')
    if not local or len(local) > 64 or not LOCAL_PART.fullmatch(local):
        return False
    if not domain.isascii() or 'xn--' in domain.lower():
        try:
            domain = domain.lower().encode('idna').decode('ascii')
            if 'xn--' in domain:
                domain.encode('ascii').decode('idna')
        except UnicodeError:
            return False
    return len(domain) <= 253 and DOMAIN.fullmatch(domain) is not None


class Rules:
    def __init__(self, settings, now):
        self.iso = Iso()
        self.now = now
        self.separator = settings.get('input.list_separator', ';')
        self.calling_code = settings.get('input.calling_code', '')
        self.allow_internal = settings.get('input.allow_internal') == 'yes'
        self.one_account = settings.get('input.one_account_per_customer') == 'yes'
        self.check_address = settings.get('input.address_check', 'visa') != 'off'
        self.skip_status = {word.strip().lower() for word in settings.get('input.skip_status', '').split(';')} - {''}
        self.defaults = {key: settings.get(f'enroll.{key}', '') for key in
                         ('owner_bid', 'locale', 'consent_time', 'consent_version', 'consent_presenter')}
        self.unusual = 0
        self.problems = []

    def note(self, field, code, item=0, detail=''):
        self.problems.append((field, code, item, detail))

    # ---- a cell ----

    def clean(self, cell, field, item=0):
        """The text as it is judged, '' for none, FAULT with its problem noted."""
        if cell.isascii() and cell.isprintable():
            text = cell.strip(' ')
            return BLANKS.sub(' ', text) if '  ' in text else text
        if NOT_UTF8.search(cell):
            self.note(field, 'bad_utf8', item)
            return FAULT
        text = LEADING.sub('', BLANKS.sub(' ', cell)).rstrip(' ')
        control = CONTROL.search(text)
        if control:
            self.note(field, 'bad_character', item, f'control U+{ord(control[0]):04X}')
            return FAULT
        return unicodedata.normalize('NFC', text)

    def take(self, raw, field):
        text = self.clean(raw.get(field, ''), field)
        if text == '' and self.defaults.get(field):
            text = self.clean(self.defaults[field], field)
        return text

    def too_long(self, field, text, item=0):
        if len(text) <= MOST[field]:
            return False
        self.note(field, 'too_long', item, f'{len(text)} characters, {MOST[field]} at most')
        return True

    def identifier(self, raw, field):
        text = self.clean(raw.get(field, ''), field)
        if text == '':
            self.note(field, 'required')
        elif text is not FAULT:
            if field == 'card_id' and len(text) >= 13 and looks_like_pan(text):
                self.note(field, 'looks_like_pan')
            else:
                number = int(text) if len(text) < 100 and text.isascii() and text.isdigit() else 0
                if 0 < number <= ID_MOST:
                    return number
                self.note(field, 'bad_integer')
        return 0

    def text(self, raw, field, required=False):
        """Whether it is given, well or badly."""
        text = self.take(raw, field)
        if text == '':
            if required:
                self.note(field, 'required')
            return False
        if text is not FAULT:
            if damaged(text):
                self.note(field, 'bad_format', 0, "a spreadsheet's damage")
            elif field in MOST:
                self.too_long(field, text)
        return True

    def locale(self, raw):
        text = self.take(raw, 'locale')
        if text == '':
            self.note('locale', 'required')
        elif text is not FAULT:
            match = LOCALE.fullmatch(text)
            if not match:
                self.note('locale', 'bad_locale')
            elif match[1].lower() not in self.iso.languages:
                self.note('locale', 'bad_locale', 0, f'language {match[1]}')
            elif match[2].upper() not in self.iso.alpha2:
                self.note('locale', 'bad_locale', 0, f'country {match[2]}')

    def country(self, raw, field):
        """(whether it is given, alpha-3 or None)."""
        text = self.clean(raw.get(field, ''), field)
        if text == '':
            return False, None
        if text is FAULT:
            return True, None
        alpha3 = self.iso.countries.get(text.upper()) if text.isascii() else None
        if not alpha3:
            meant = MISTAKEN.get(text.upper())
            self.note(field, 'bad_country', 0, f'did you mean {meant}?' if meant else '')
        return True, alpha3

    # ---- lists ----

    def parts(self, raw, field):
        value = raw.get(field, '')
        if type(value) is str:
            return value.split(self.separator) if value else ()
        values = []
        for name, cell in value:
            values += cell.split(self.separator) if name == field else [cell]
        return values

    def list(self, raw, field, judge):
        count = 0
        for part in self.parts(raw, field):
            if count >= LIST_MOST:
                count += part.strip(' \t\r\n') != ''
                continue
            text = self.clean(part, field, count + 1)
            if text == '':
                continue
            count += 1
            if text is not FAULT:
                judge(text, count)
        if count > LIST_MOST:
            self.note(field, 'too_many', 0, str(count))
        return count > 0

    def email(self, text, item):
        if not self.too_long('emails', text, item) and (damaged(text) or not valid_email(text)):
            self.note('emails', 'bad_email', item)

    def phone(self, text, item):
        digits = NO_DIGIT.sub('', text)
        plus = '+' in text
        zeros = not plus and len(digits) > 2 and digits.startswith('00')
        if zeros:
            digits = digits[2:]
        elif not plus and digits:
            digits = self.calling_code + digits
        if not PHONE.fullmatch(text) or (plus or zeros) and '(0)' in text or digits.startswith('0') or \
                not 8 <= len(digits) <= 15:
            self.note('phones', 'bad_phone', item)

    def national_identifier(self, text, item):
        kind, colon, value = text.partition(':')
        value = value.strip(' ')
        if not colon or kind.strip(' ').upper() not in IDENTIFIER_TYPES or not value or damaged(value):
            self.note('national_identifiers', 'bad_identifier', item)
        else:
            self.too_long('national_identifiers', value, item)

    def national_identifiers(self, raw):
        value = raw.get('national_identifiers', '')
        if type(value) is list:  # numbered columns: type and value side by side become TYPE:VALUE
            cells = dict(value)
            pairs = [(cells.get(f'national_identifier_type_{i}', ''), cells.get(f'national_identifier_value_{i}', ''))
                     for i in range(1, 6)]
            value = [('national_identifiers', cells.get('national_identifiers', ''))] + \
                [('', f'{kind}:{number}') for kind, number in pairs if kind.strip() or number.strip()]
            raw = {'national_identifiers': value}
        self.list(raw, 'national_identifiers', self.national_identifier)

    # ---- consent and address ----

    def consent(self, raw):
        text = self.take(raw, 'consent_time')
        if text != '' and text is not FAULT:
            self.consent_time(text)
        version, presenter = self.text(raw, 'consent_version'), self.text(raw, 'consent_presenter')
        if text == '' and (version or presenter):
            self.note('consent_time', 'required')

    def consent_time(self, text):
        match = TIMESTAMP.fullmatch(text)
        if not match:
            self.note('consent_time', 'bad_timestamp')
            return
        year, month, day, hour, minute, second, sign, hours, minutes = match.groups()
        try:
            moment = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0),
                              tzinfo=timezone.utc)
            if sign:
                if int(hours) > 23 or int(minutes or 0) > 59:
                    raise ValueError
                offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
                moment += offset if sign == '-' else -offset
        except (ValueError, OverflowError):
            self.note('consent_time', 'bad_timestamp', 0, 'no day of the calendar or no time of the day')
            return
        if moment > self.now:
            self.note('consent_time', 'in_future')

    def forbidden(self, field, text):
        match = FORBIDDEN.search(text) if self.check_address else None
        if match:
            self.note(field, 'bad_character', 0, f'{match[0]} is refused by Visa')
        return match is not None

    def address_line(self, field, text):
        """Whether it has unusual characters."""
        too_long = self.too_long(field, text)
        if self.forbidden(field, text):
            return False
        if damaged(text):
            self.note(field, 'bad_format', 0, "a spreadsheet's damage")
            return False
        return not too_long and any(unicodedata.category(c)[0] not in 'LMN' for c in MAYBE_UNUSUAL.findall(text))

    def state(self, text, country):
        field = 'billing_state'
        prefixed = len(text) > 3 and text[2] == '-'
        forbidden = self.forbidden(field, text)
        if self.too_long(field, text[3:] if prefixed else text) or forbidden:
            return
        if prefixed:
            named = self.iso.countries.get(text[:2].upper()) if text[:2].isalpha() else None
            if not named or country and named != country:
                self.note(field, 'bad_format', 0, 'of another country')
                return
            country, text = named, text[3:]
        if not STATE.fullmatch(text) or country and text.upper() not in self.iso.parts[country]:
            self.note(field, 'bad_format', 0, 'no such subdivision')

    def postal_code(self, text, country):
        field = 'billing_postal_code'
        too_long = self.too_long(field, text)
        if self.forbidden(field, text) or too_long:
            return
        lacks_zero = country and DIGITS.fullmatch(text) and (
            len(text) + 1 == ZERO_DIGITS.get(country) or country == 'USA' and len(text) == 8)
        if lacks_zero or damaged(text) or not POSTAL_CODE.fullmatch(text):
            self.note(field, 'bad_format', 0, 'a leading zero is missing' if lacks_zero else 'odd characters')

    def address(self, raw):
        """Whether any of it is given."""
        given, country = self.country(raw, 'billing_country_code')
        unusual = False
        for field in ADDRESS[:6]:
            cell = raw.get(field)
            if not cell:
                continue
            text = self.clean(cell, field)
            if text == '':
                continue
            given = True
            if text is FAULT:
                continue
            if field == 'billing_state':
                self.state(text, country)
            elif field == 'billing_postal_code':
                self.postal_code(text, country)
            elif self.address_line(field, text):
                unusual = True
        self.unusual += unusual
        return given

    # ---- a record ----

    def skip(self, raw):
        text = self.clean(raw.get('status', ''), 'status')
        return text is not FAULT and text.lower() in self.skip_status

    def begin(self):
        self.problems = []

    def end(self):
        if len(self.problems) > 1:
            self.problems.sort(key=lambda problem: ORDER[problem[0]])
        return self.problems

    def card_part(self, raw):
        account_id = self.identifier(raw, 'account_id')
        card_id = self.identifier(raw, 'card_id')
        self.text(raw, 'owner_bid', required=True)
        return account_id, card_id

    def customer_part(self, raw):
        needed = not self.allow_internal
        self.locale(raw)
        self.text(raw, 'first_name', needed)
        self.text(raw, 'middle_name')
        self.text(raw, 'last_name', needed)
        self.country(raw, 'country_code')
        if not self.list(raw, 'emails', self.email) and needed:
            self.note('emails', 'required')
        if not self.list(raw, 'phones', self.phone) and needed:
            self.note('phones', 'required')
        self.national_identifiers(raw)
        self.consent(raw)

    def customer(self, raw):
        self.begin()
        customer_id = self.identifier(raw, 'customer_id')
        self.customer_part(raw)
        address = self.address(raw)
        return customer_id, self.skip(raw), address, self.end()

    def card(self, raw):
        self.begin()
        customer_id = self.identifier(raw, 'customer_id')
        account_id, card_id = self.card_part(raw)
        address = self.address(raw)
        return customer_id, account_id, card_id, self.skip(raw), address, self.end()

    def both(self, raw):
        """One-file mode: a card and its customer in one record."""
        self.begin()
        customer_id = self.identifier(raw, 'customer_id')
        account_id, card_id = self.card_part(raw)
        self.customer_part(raw)
        address = self.address(raw)
        if not address and not self.allow_internal:
            self.note('billing_address_line1', 'required')
        return customer_id, account_id, card_id, self.skip(raw), address, self.end()
