// Learning rate schedules: against Keras and PyTorch (assets/golden/updates/schedules.json, by
// tools/golden/make_update_vectors.py), the arithmetic of schedule.h against the C library's, text and JSON.
#include "base/file.h"
#include "base/json.h"
#include "model/model.h"
#include "schedule.h"

#include <gradsmith/gradsmith.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void expect_ok(const gs__error *error, gs_status status) {
    if (status != GS_OK) fail_msg("%s", error->message);
}

static void close_to(const char *what, double x, double found, double expected, double relative, double absolute) {
    if (!(fabs(found - expected) <= absolute + relative * fabs(expected)))
        fail_msg("%s of %.9g: %.9g, expected %.9g", what, x, found, expected);
}

static void arithmetic(void **state) {
    (void)state;
    for (int i = 1; i <= 20000; i++) {
        const double x = (double)(float)(i * 0.0137);
        close_to("1 / x", x, (double)gs_reciprocal((float)x), 1 / x, 2.5e-7, 0);
        close_to("log2", x, (double)gs_log2((float)x), log2(x), 2e-7, 2e-7);
        const double e = (double)(float)(i * 0.0127 - 126.5);
        if (e < 127) close_to("2^x", e, (double)gs_exp2((float)e), exp2(e), 3e-7, 1.2e-38);
        const double share = i / 20000.0;
        close_to("cosine", share, (double)gs_cosine_share((float)share), (1 + cos(3.14159265358979 * share)) / 2, 4e-7,
                 2e-7);
    }
    assert_true(gs_exp2(-1000) == 0 && gs_exp2(0) == 1 && gs_exp2(3) == 8 && gs_log2(8) == 3);
    assert_true(gs_cosine_share(0) == 1 && gs_cosine_share(1) == 0);
}

static uint32_t numbers(gs__json *json, gs__error *error, const cJSON *item, const char *key, double *values) {
    const cJSON *array, *number;
    uint32_t count = 0;
    expect_ok(error, gs__json_get_array(json, item, key, GS__JSON_REQUIRED, &array));
    cJSON_ArrayForEach(number, array) {
        assert_true(count < 256);
        expect_ok(error, gs__json_as_number(json, number, &values[count++]));
    }
    return count;
}

static void read_case(gs__json *json, gs__error *error, const cJSON *item, gs_optimizer *o) {
    gs_compile_params params = {0};
    const cJSON *cycle = gs__json_find(item, "one_cycle");
    uint64_t steps = 0;
    expect_ok(error, gs__compile_from_json(json, item, &params));
    *o = params.optimizer;
    if (!cycle) return;
    gs_schedule *s = &o->schedule;
    s->kind = GS_SCHEDULE_ONE_CYCLE;
    expect_ok(error, gs__json_get_float(json, cycle, "rate", GS__JSON_REQUIRED, &o->learning_rate));
    expect_ok(error, gs__json_get_uint(json, cycle, "decay_steps", GS__JSON_REQUIRED, 1, 1000, &steps));
    expect_ok(error, gs__json_get_float(json, cycle, "pct_start", GS__JSON_REQUIRED, &s->pct_start));
    expect_ok(error, gs__json_get_float(json, cycle, "div_factor", GS__JSON_REQUIRED, &s->div_factor));
    expect_ok(error, gs__json_get_float(json, cycle, "final_div_factor", GS__JSON_REQUIRED, &s->final_div_factor));
    s->decay_steps = (uint32_t)steps;
}

static void golden(void **state) {
    (void)state;
    const char *root = getenv("GRADSMITH_SOURCE_DIR");
    char path[4096], *text;
    size_t bytes;
    gs__error error = {0};
    gs__json *json;
    const cJSON *cases, *item;
    uint32_t count = 0;
    if (!root) fail_msg("GRADSMITH_SOURCE_DIR is not set: run by ctest, or set it to the source folder");
    snprintf(path, sizeof path, "%s/assets/golden/updates/schedules.json", root);
    expect_ok(&error, gs__file_read(&error, path, 1 << 20, &text, &bytes));
    expect_ok(&error, gs__json_parse(&error, text, bytes, path, &json));
    expect_ok(&error, gs__json_get_array(json, gs__json_root(json), "cases", GS__JSON_REQUIRED, &cases));
    cJSON_ArrayForEach(item, cases) {
        gs_optimizer o;
        const char *name;
        double steps[256], rates[256];
        struct gs_state s = {0};
        read_case(json, &error, item, &o);
        expect_ok(&error, gs__json_get_string(json, item, "name", GS__JSON_REQUIRED, &name));
        expect_ok(&error, gs__optimizer_check(&error, &o));
        gs__optimizer_defaults(&o);
        gs__schedule_segments(&o, &s);
        const uint32_t points = numbers(json, &error, item, "steps", steps);
        assert_int_equal(points, numbers(json, &error, item, "rates", rates));
        for (uint32_t i = 0; i < points; i++)
            close_to(name, steps[i], (double)gs_schedule_rate(&s, (uint32_t)steps[i], 0), rates[i], 2e-6, 1e-8);
        count++;
    }
    assert_in_range(count, 15, 100);
    gs__json_destroy(json);
    free(text);
}

static gs_model *make(gs_context *context, const gs_optimizer *o, gs_status expected) {
    gs_model *model;
    assert_int_equal(gs_model_from_layers(context, "3 dense:2", 0, &model), GS_OK);
    assert_int_equal(gs_model_compile(model, &(gs_compile_params){.optimizer = *o}), expected);
    return model;
}

// Every kind through text, a model's JSON, and back.
static void round_trips(void **state) {
    (void)state;
    static const char *const forms[] = {
        "constant",
        "constant:warmup_steps=5",
        "exponential:decay_steps=100:decay_rate=0.9",
        "step:decay_steps=7",
        "inverse_time:decay_steps=3:decay_rate=2.5:staircase",
        "polynomial:decay_steps=9:end_learning_rate=0:power=3:cycle",
        "polynomial",
        "piecewise:boundaries=100/200:values=0.1/0.01/0.001",
        "piecewise:boundaries=1:values=0.1/0.01:warmup_steps=2:warmup_from=0.001",
        "cosine",
        "cosine:decay_steps=8:alpha=0.125",
        "cosine:decay_steps=8:alpha=0.125:warmup_steps=9:warmup_from=0.25",
        "cosine_restarts:decay_steps=10:t_mul=1.5:m_mul=0.75:warmup_steps=3",
        "cosine_restarts:decay_steps=10",
        "one_cycle:pct_start=0.25:div_factor=10:final_div_factor=100",
    };
    gs_context *context;
    assert_int_equal(gs_context_create(&context, NULL), GS_OK);
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        char message[400] = "", json[8192];
        gs_optimizer o = gs_sgd(.learning_rate = 0.5f);
        if (gs_schedule_parse(forms[i], &o.schedule, message, sizeof message) != GS_OK)
            fail_msg("%s: %s", forms[i], message);
        gs_model *model = make(context, &o, GS_OK), *again;
        assert_int_equal(gs_model_to_json(model, json, sizeof json, NULL), GS_OK);
        if (gs_model_from_json(context, json, strlen(json), 0, &again) != GS_OK)
            fail_msg("%s: %s", forms[i], gs_context_message(context));
        gs_compile_params first, second;
        gs_model_get_compile(model, &first);
        gs_model_get_compile(again, &second);
        const gs_schedule *a = &first.optimizer.schedule, *b = &second.optimizer.schedule;
        // By text where Keras has no such thing; there "0" and "not given" are the same.
        if (first.optimizer.learning_rate != second.optimizer.learning_rate && a->kind != GS_SCHEDULE_PIECEWISE)
            fail_msg("%s: learning rate %g", forms[i], (double)second.optimizer.learning_rate);
        assert_int_equal(a->kind, b->kind);
        if (gs__schedule_is_open(a)) {
            assert_true(gs__schedule_is_open(b));
        } else {
            struct gs_state x = {0}, y = {0};
            gs__schedule_segments(&first.optimizer, &x);
            gs__schedule_segments(&second.optimizer, &y);
            if (memcmp(&x, &y, sizeof x) != 0) fail_msg("%s: another schedule after JSON: %s", forms[i], json);
        }
        gs_model_destroy(&model);
        gs_model_destroy(&again);
    }
    gs_context_destroy(&context);
}

static void refused_text(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"cosin", "unknown schedule \"cosin\"; known are constant, exponential"},
        {"cosine:decay=3", "schedule cosine: there is no field \"decay\""},
        {"cosine:decay_steps", "schedule cosine: decay_steps needs a value"},
        {"cosine:decay_steps=x", "decay_steps \"x\" must be an integer from 1"},
        {"cosine:decay_steps=0", "must be an integer from 1"},
        {"cosine:decay_rate=0.5", "schedule cosine has no decay_rate"},
        {"cosine:alpha=2", "schedule cosine: alpha is 2; it must be a finite number from 0 to 1"},
        {"cosine:warmup_from=0.1", "schedule cosine has no warmup_from without warmup_steps"},
        {"exponential:decay_rate=0.5", "schedule exponential needs decay_steps"},
        {"exponential:decay_steps=5", "schedule exponential needs decay_rate"},
        {"step:staircase=1:decay_steps=5", "staircase takes no value"},
        {"one_cycle:pct_start=1", "pct_start is 1; it must be a finite number above 0 and below 1"},
        {"cosine_restarts:decay_steps=5:t_mul=0.5", "t_mul is 0.5; it must be a finite number of at least 1"},
        {"piecewise:boundaries=5/3:values=1/2/3", "boundary 3 behind 5; they must ascend"},
        {"piecewise:boundaries=5:values=1", "value 2 is 0; expected 2 values above 0"},
        {"piecewise:values=1", "schedule piecewise: 0 boundaries; expected 1 to 14"},
        {"piecewise:boundaries=1/2/3/4/5/6/7/8/9/10/11/12/13/14/15:values=1", "more than 15 pieces"},
        {"polynomial:power=nan", "power \"nan\" is not a number"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char message[400] = "";
        gs_schedule schedule;
        if (gs_schedule_parse(cases[i].text, &schedule, message, sizeof message) != GS_ERR_ARGUMENT)
            fail_msg("%s was taken", cases[i].text);
        if (!strstr(message, cases[i].message)) fail_msg("%s: %s", cases[i].text, message);
    }
    char text[1000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    gs_schedule schedule;
    assert_int_equal(gs_schedule_parse(text, &schedule, NULL, 0), GS_ERR_ARGUMENT);
    assert_int_equal(gs_schedule_parse(NULL, &schedule, NULL, 0), GS_ERR_ARGUMENT);
}

static void refused_optimizers(void **state) {
    (void)state;
    const struct {
        gs_optimizer optimizer;
        const char *message;
    } cases[] = {
        {gs_sgd(.clipnorm = 1, .clipvalue = 1), "only one of clipnorm, global_clipnorm and clipvalue"},
        {gs_sgd(.clipnorm = -1), "clipnorm is -1; it must be a finite number above 0"},
        {gs_sgd(.global_clipnorm = INFINITY), "global_clipnorm is inf"},
        {gs_sgd(.accumulate = 2000000), "accumulate is 2000000; at most 1048576"},
        {gs_sgd(.ema_momentum = 0.5f), "sgd has no ema_momentum without use_ema"},
        {gs_sgd(.use_ema = true, .ema_momentum = 1), "ema_momentum is 1; it must be a finite number from 0 to below 1"},
        {gs_sgd(.ema_overwrite = 3), "ema_overwrite without use_ema"},
        {gs_sgd(.initial_accumulator = 1), "sgd has no initial_accumulator"},
        {gs_adagrad(.beta1 = 0.5f), "adagrad has no beta1"},
        {gs_lion(.epsilon = 0.5f), "lion has no epsilon"},
        {gs_lion(.rho = 0.5f), "lion has no rho"},
        {gs_adam(.epsilon2 = 0.5f), "adam has no epsilon2"},
        {gs_adafactor(.beta2_decay = 0.5f), "beta2_decay"},
        {gs_adafactor(.clip_threshold = -1), "clip_threshold is -1"},
        {gs_adam(.schedule = {.kind = (gs_schedule_kind)99}), "schedule kind 99 is not one of gs_schedule_kind"},
        {gs_adam(.schedule = {.kind = GS_SCHEDULE_COSINE, .decay_steps = 2000000000}), "2000000000 steps; at most"},
    };
    gs_context *context;
    assert_int_equal(gs_context_create(&context, NULL), GS_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        gs_model *model = make(context, &cases[i].optimizer, GS_ERR_ARGUMENT);
        if (!strstr(gs_context_message(context), cases[i].message))
            fail_msg("case %zu: %s", i, gs_context_message(context));
        gs_model_destroy(&model);
    }
    gs_context_destroy(&context);
}

static void refused_json(void **state) {
    (void)state;
    static const struct {
        const char *rate, *message;
    } cases[] = {
        {"{\"class_name\": \"MySchedule\", \"config\": {}}",
         "learning_rate: a schedule of this class is not supported"},
        {"{\"class_name\": \"CosineDecay\"}", "config"},
        {"{\"class_name\": \"CosineDecay\", \"config\": {\"decay_steps\": 5}}", "initial_learning_rate"},
        {"{\"class_name\": \"CosineDecay\", \"config\": {\"initial_learning_rate\": 0.1, \"decay_steps\": 2.5}}",
         "decay_steps: expected an integer"},
        {"{\"class_name\": \"CosineDecay\", \"config\": {\"initial_learning_rate\": 0.1, \"decay_steps\": 5, \"beta\": "
         "1}}",
         "beta"},
        {"{\"class_name\": \"ExponentialDecay\", \"config\": {\"initial_learning_rate\": 0.1, \"decay_steps\": 5}}",
         "schedule exponential needs decay_rate"},
        {"{\"class_name\": \"PiecewiseConstantDecay\", \"config\": {\"boundaries\": [3], \"values\": [0.1]}}",
         "values: expected one value more than boundaries"},
    };
    gs_context *context;
    assert_int_equal(gs_context_create(&context, NULL), GS_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[1024];
        gs__error error = {0};
        gs__json *json;
        gs_compile_params params;
        snprintf(
            text, sizeof text,
            "{\"compile_config\": {\"optimizer\": {\"class_name\": \"SGD\", \"config\": {\"learning_rate\": %s}}}}",
            cases[i].rate);
        expect_ok(&error, gs__json_parse(&error, text, strlen(text), "model.json", &json));
        assert_int_not_equal(gs__compile_from_json(json, gs__json_root(json), &params), GS_OK);
        if (!strstr(error.message, cases[i].message)) fail_msg("%s: %s", cases[i].rate, error.message);
        gs__json_destroy(json);
    }
    gs_context_destroy(&context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arithmetic),   cmocka_unit_test(golden),       cmocka_unit_test(round_trips),
        cmocka_unit_test(refused_text), cmocka_unit_test(refused_json), cmocka_unit_test(refused_optimizers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
