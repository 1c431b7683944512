#include "options.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum option_key {
    KEY_PORT = 1000,
    KEY_PORT_FILE,
    KEY_TLS,
    KEY_CLIENT_CA,
    KEY_TOKEN_TTL,
    KEY_LATENCY,
    KEY_MAX_IN_FLIGHT,
    KEY_MAX_RATE,
    KEY_FAULT,
    KEY_SEED,
    KEY_EVENTS,
    KEY_EVENT_FAULTS,
    KEY_TRUTH,
    KEY_JOURNAL,
    KEY_STOP_AFTER,
    KEY_TENANT,
    KEY_SERVER_KEY,
    KEY_SERVER_SECRET,
    KEY_OPENID_KEY,
    KEY_ALREADY,
    KEY_NOT_ENABLED,
    KEY_ALLOW_INTERNAL,
    KEY_HELP,
    KEY_VERSION
};

static const struct option table[] = {
    {"port", required_argument, NULL, KEY_PORT},
    {"port-file", required_argument, NULL, KEY_PORT_FILE},
    {"tls", required_argument, NULL, KEY_TLS},
    {"client-ca", required_argument, NULL, KEY_CLIENT_CA},
    {"token-ttl", required_argument, NULL, KEY_TOKEN_TTL},
    {"latency", required_argument, NULL, KEY_LATENCY},
    {"max-in-flight", required_argument, NULL, KEY_MAX_IN_FLIGHT},
    {"max-rate", required_argument, NULL, KEY_MAX_RATE},
    {"fault", required_argument, NULL, KEY_FAULT},
    {"seed", required_argument, NULL, KEY_SEED},
    {"events", required_argument, NULL, KEY_EVENTS},
    {"event-faults", required_argument, NULL, KEY_EVENT_FAULTS},
    {"truth", required_argument, NULL, KEY_TRUTH},
    {"journal", required_argument, NULL, KEY_JOURNAL},
    {"stop-after", required_argument, NULL, KEY_STOP_AFTER},
    {"tenant", required_argument, NULL, KEY_TENANT},
    {"server-key", required_argument, NULL, KEY_SERVER_KEY},
    {"server-secret", required_argument, NULL, KEY_SERVER_SECRET},
    {"openid-key", required_argument, NULL, KEY_OPENID_KEY},
    {"already", required_argument, NULL, KEY_ALREADY},
    {"not-enabled", no_argument, NULL, KEY_NOT_ENABLED},
    {"allow-internal", no_argument, NULL, KEY_ALLOW_INTERNAL},
    {"help", no_argument, NULL, KEY_HELP},
    {"version", no_argument, NULL, KEY_VERSION},
    {0},
};

const char *options_help(void)
{
    return "ctp-sandbox: a local stand-in for Pismo's enrol and passport APIs\n"
           "\n"
           "Examples\n"
           "  ctp-sandbox --port 8080\n"
           "  ctp-sandbox --port 0 --port-file sandbox.port --journal journal.jsonl --events events.jsonl\n"
           "  ctp-sandbox --port 8080 --latency 20ms..80ms --max-in-flight 64 --token-ttl 30\n"
           "  ctp-sandbox --port 8080 --fault 429=2%,500=1%,reset=0.5%,hang=0.1% --seed 7\n"
           "  ctp-sandbox --port 8443 --tls server.pem,server.key --client-ca clients.pem\n"
           "  ctp-enroll run --base-url http://127.0.0.1:8080/cards-tokenization --auth-url "
           "http://127.0.0.1:8080/passport\n"
           "\n"
           "Listening (127.0.0.1 only; the base URLs are printed on stdout once it listens)\n"
           "  --port N            required; 0 takes a free port\n"
           "  --port-file F       write the port number to F, whole, once listening\n"
           "  --tls CERT,KEY      HTTPS with these PEM files\n"
           "  --client-ca F       demand a client certificate signed by a CA of this PEM file\n"
           "\n"
           "Behaviour\n"
           "  --token-ttl S       seconds a token lives (600)\n"
           "  --latency A[..B]    time to answer, drawn evenly: 20ms..80ms (0)\n"
           "  --max-in-flight N   429 for more than N enrol requests at once\n"
           "  --max-rate R        429 for more than R enrol requests in any second\n"
           "  --already X         customers on Click to Pay from the start: 5% or 1001,1002\n"
           "  --tenant TN         other tenants are \"not enabled\" (any may enrol)\n"
           "  --not-enabled       no tenant is enabled\n"
           "  --server-key K, --server-secret S   the only credentials accepted (any)\n"
           "  --openid-key F      verify the JWTs of /v1/oauth2/token with this PEM public key\n"
           "  --allow-internal    names, e-mails, phones and billing address may be missing\n"
           "\n"
           "Trouble on purpose\n"
           "  --fault LIST        429 500 502 503 504 401 html403 echo400 already reset hang slow truncated "
           "close,\n"
           "                      each with its share of the enrol requests; token-NAME for token calls\n"
           "  --seed N            of all chance (1)\n"
           "  --stop-after N      exit once N enrol requests have been answered, closing every connection\n"
           "\n"
           "Output\n"
           "  --events FILE       append the outcome event of each accepted request (JSON lines)\n"
           "  --event-faults L    drop duplicate reorder failure refusal foreign unknown unknown-status "
           "several "
           "no-cid,\n"
           "                      with shares; refusal: the customer is not on Click to Pay after it\n"
           "  --truth FILE        append what the events written say of each accepted request (JSON lines)\n"
           "  --journal FILE      append a line for each request (JSON lines; no bodies, no names)\n"
           "  --help, --version\n";
}

static int take_number(const char *text, uint64_t max, uint64_t *out)
{
    struct span span = span_of(text);
    uint64_t value = 0;

    for (size_t i = 0; i < span.len; i++) {
        unsigned digit = (unsigned char)span.ptr[i] - (unsigned)'0';
        if (digit > 9 || value > (max - digit) / 10)
            return -1;
        value = value * 10 + digit;
    }
    *out = value;
    return span.len > 0 && value <= max ? 0 : -1;
}

static int read_number(const char *name, uint64_t min, uint64_t max, int64_t *out, struct fail *fail)
{
    uint64_t value;

    if (take_number(optarg, max, &value) != 0 || value < min)
        return fail_set(fail, FAIL_USAGE, "--%s: \"%s\" is no number of %llu to %llu", name, optarg,
                        (unsigned long long)min, (unsigned long long)max);
    *out = (int64_t)value;
    return 0;
}

/* "20ms" in microseconds. */
static int read_duration(struct span text, int64_t *out_us)
{
    static const struct {
        const char *unit;
        int64_t us;
    } units[] = {{"us", 1}, {"ms", 1000}, {"s", 1000000}};
    size_t digits = 0;
    int64_t value = 0;

    if (span_is(text, "0")) {
        *out_us = 0;
        return 0;
    }
    for (; digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9' && digits < 9; digits++)
        value = value * 10 + (text.ptr[digits] - '0');
    for (size_t i = 0; digits > 0 && i < sizeof(units) / sizeof(*units); i++)
        if (span_is((struct span){text.ptr + digits, text.len - digits}, units[i].unit)) {
            *out_us = value * units[i].us;
            return 0;
        }
    return -1;
}

static int read_latency(struct options *out, struct fail *fail)
{
    const char *dots = strstr(optarg, "..");
    struct span from = {optarg, dots ? (size_t)(dots - optarg) : strlen(optarg)};
    struct span to = dots ? span_of(dots + 2) : from;

    if (read_duration(from, &out->latency_min_us) != 0 || read_duration(to, &out->latency_max_us) != 0 ||
        out->latency_max_us < out->latency_min_us)
        return fail_set(fail, FAIL_USAGE, "--latency: \"%s\" is neither 50ms nor 20ms..80ms", optarg);
    return 0;
}

static int read_tls(struct options *out, struct fail *fail)
{
    const char *comma = strchr(optarg, ',');

    if (!comma || comma == optarg || !comma[1])
        return fail_set(fail, FAIL_USAGE, "--tls takes CERT,KEY");
    free(out->tls_cert);
    free(out->tls_key);
    out->tls_cert = mem_text(optarg);
    out->tls_cert[comma - optarg] = '\0';
    out->tls_key = mem_text(comma + 1);
    return 0;
}

static int read_seed(struct options *out, struct fail *fail)
{
    if (take_number(optarg, UINT64_MAX, &out->seed) != 0)
        return fail_set(fail, FAIL_USAGE, "--seed: \"%s\" is no number", optarg);
    return 0;
}

static int read_port(struct options *out, struct fail *fail)
{
    int64_t port;

    if (read_number("port", 0, 65535, &port, fail) != 0)
        return -1;
    out->port = (uint16_t)port;
    return 0;
}

/* Options whose value is more than a text. */
static int read_value(int key, struct options *out, struct fail *fail)
{
    static const uint64_t many = 1000000000;

    switch (key) {
    case KEY_PORT:
        return read_port(out, fail);
    case KEY_TLS:
        return read_tls(out, fail);
    case KEY_TOKEN_TTL:
        return read_number("token-ttl", 1, many, &out->token_ttl_s, fail);
    case KEY_LATENCY:
        return read_latency(out, fail);
    case KEY_MAX_IN_FLIGHT:
        return read_number("max-in-flight", 1, many, &out->max_in_flight, fail);
    case KEY_MAX_RATE:
        return read_number("max-rate", 1, 1000000, &out->max_rate, fail);
    case KEY_FAULT:
        return faults_parse(&out->faults, span_of(optarg), fail);
    case KEY_SEED:
        return read_seed(out, fail);
    case KEY_EVENT_FAULTS:
        return events_parse(span_of(optarg), out->event_faults, fail);
    case KEY_STOP_AFTER:
        return read_number("stop-after", 1, many, &out->stop_after, fail);
    default:
        return fail_set(fail, FAIL_USAGE, "unknown or incomplete option; see --help");
    }
}

static const char **text_of(int key, struct options *out)
{
    switch (key) {
    case KEY_PORT_FILE:
        return &out->port_file;
    case KEY_CLIENT_CA:
        return &out->client_ca;
    case KEY_EVENTS:
        return &out->events_file;
    case KEY_TRUTH:
        return &out->truth_file;
    case KEY_JOURNAL:
        return &out->journal_file;
    case KEY_TENANT:
        return &out->tenant;
    case KEY_SERVER_KEY:
        return &out->server_key;
    case KEY_SERVER_SECRET:
        return &out->server_secret;
    case KEY_OPENID_KEY:
        return &out->openid_key;
    case KEY_ALREADY:
        return &out->already;
    default:
        return NULL;
    }
}

static int read_option(int key, struct options *out, enum options_wish *wish, struct fail *fail)
{
    const char **text = text_of(key, out);

    if (text && !*optarg)
        return fail_set(fail, FAIL_USAGE, "an option has an empty value");
    if (text)
        *text = optarg;
    else if (key == KEY_NOT_ENABLED)
        out->not_enabled = true;
    else if (key == KEY_ALLOW_INTERNAL)
        out->allow_internal = true;
    else if (key == KEY_HELP)
        *wish = OPTIONS_HELP;
    else if (key == KEY_VERSION)
        *wish = OPTIONS_VERSION;
    else
        return read_value(key, out, fail);
    return 0;
}

int options_parse(int argc, char **argv, struct options *out, enum options_wish *wish, struct fail *fail)
{
    bool port = false;
    int key;

    *out = (struct options){.token_ttl_s = 600, .seed = 1};
    *wish = OPTIONS_SERVE;
    while ((key = getopt_long(argc, argv, "", table, NULL)) != -1) {
        if (read_option(key, out, wish, fail) != 0)
            return -1;
        port = port || key == KEY_PORT;
        if (*wish != OPTIONS_SERVE)
            return 0;
    }
    if (optind < argc)
        return fail_set(fail, FAIL_USAGE, "\"%s\": no such argument; see --help", argv[optind]);
    if (!port)
        return fail_set(fail, FAIL_USAGE, "--port is required; see --help");
    if (out->client_ca && !out->tls_cert)
        return fail_set(fail, FAIL_USAGE, "--client-ca needs --tls");
    return 0;
}

void options_free(struct options *options)
{
    free(options->tls_cert);
    free(options->tls_key);
}
