/* faults: what can go wrong on purpose, by name, and how often. */
#ifndef SANDBOX_FAULTS_H
#define SANDBOX_FAULTS_H

#include "odds.h"

enum fault {
    FAULT_429,
    FAULT_500,
    FAULT_502,
    FAULT_503,
    FAULT_504,
    FAULT_401,       /* a valid token refused */
    FAULT_HTML403,   /* an edge's page instead of the API's answer */
    FAULT_ECHO400,   /* a refusal whose words repeat personal data of the request */
    FAULT_ALREADY,   /* the customer turns out to be on Click to Pay */
    FAULT_RESET,     /* the connection is reset, before or after the request is processed */
    FAULT_HANG,      /* processed, never answered */
    FAULT_SLOW,      /* processed, answered byte by byte */
    FAULT_TRUNCATED, /* processed, the answer breaks off */
    FAULT_CLOSE,     /* processed, answered, the connection closed */
    FAULT_COUNT,
    FAULT_NONE = FAULT_COUNT
};

struct faults {
    uint32_t enroll[FAULT_COUNT + 1]; /* parts per million */
    uint32_t token[FAULT_COUNT + 1];  /* of the passport calls: names with "token-" before them */
};

const char *fault_name(enum fault fault); /* NULL for FAULT_NONE */
/* Parses --fault; may be called again, later values win. */
int faults_parse(struct faults *faults, struct span text, struct fail *fail) MUST_CHECK;
enum fault faults_draw(const uint32_t *chances, struct rng *rng);

#endif
