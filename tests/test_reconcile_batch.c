/* reconcile_batch: order, texts that outlive their event, and the end of its memory. */
#include "../src/flow/reconcile_batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static void add(struct batch *batch, int64_t row, const char *id)
{
    struct ledger_event event = {.row = row, .event_id = id, .message = "FAILURE: expired"};

    batch_add(batch, &event, SPAN("own"));
}

static void by_row_and_as_they_came(void **state)
{
    static const char *const want[] = {"none", "a", "b", "c", "last"};
    const struct batch_entry **order;
    struct batch batch;
    char id[8] = "b";

    (void)state;
    batch_open(&batch);
    add(&batch, 7, "a");
    add(&batch, 7, id);
    memcpy(id, "gone", 5);
    add(&batch, INT64_MAX, "last");
    add(&batch, 7, "c");
    add(&batch, 0, "none");
    order = batch_sorted(&batch);
    assert_int_equal(batch.count, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(order[i]->event.event_id, want[i]);
        assert_string_equal(order[i]->event.message, "FAILURE: expired");
        assert_string_equal(order[i]->cid, "own");
    }
    batch_clear(&batch);
    batch_add(&batch, &(struct ledger_event){.row = 1, .event_id = "", .message = ""},
              (struct span){NULL, 0});
    assert_int_equal(batch.count, 1);
    assert_null(batch_sorted(&batch)[0]->cid);
    assert_string_equal(batch_sorted(&batch)[0]->event.event_id, "");
    batch_close(&batch);
}

/* As many events as there is room for, of the longest texts and of none. */
static size_t fill(struct batch *batch, int id_length, int message_length)
{
    static char id[100], message[200];
    struct ledger_event event = {.event_id = id, .message = message};
    size_t count = 0;

    (void)snprintf(id, sizeof id, "%0*d", id_length, 0);
    (void)snprintf(message, sizeof message, "%0*d", message_length, 0);
    id[id_length] = message[message_length] = '\0';
    for (; !batch_full(batch); count++)
        batch_add(batch, &event, SPAN("00000000-0000-4000-8000-000000000000"));
    assert_int_equal(batch->count, count);
    batch_clear(batch);
    assert_false(batch_full(batch));
    return count;
}

static void memory_has_an_end(void **state)
{
    struct batch batch;

    (void)state;
    batch_open(&batch);
    assert_int_equal(fill(&batch, 64, 159), 16008); /* 262 bytes each in 4 MiB */
    assert_int_equal(fill(&batch, 0, 0), 107540);   /* 39; room is left for the longest */
    assert_int_equal(fill(&batch, 64, 159), 16008);
    batch_close(&batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_row_and_as_they_came),
        cmocka_unit_test(memory_has_an_end),
    };

    return cmocka_run_group_tests_name("reconcile_batch", tests, NULL, NULL);
}
