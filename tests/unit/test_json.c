// JSON from outside: strictness, places in messages, typed members.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/text.h"
#include "files.h"

#include <stdlib.h>
#include <string.h>

static gs__error error;

static gs__json *parse(const char *text) {
    gs__json *json = NULL;
    gs_status status = gs__json_parse(&error, text, strlen(text), "model.json", &json);
    if (status != GS_OK) fail_msg("%s", error.message);
    return json;
}

static void test_accepts(void **state) {
    (void)state;
    static const char *const texts[] = {
        "{}",
        "[]",
        " [ ] ",
        "null",
        "-0",
        "0.5e-3",
        "1E+2",
        "\"\\u00e9\\ud83d\\ude00\\n\\/\"",
        "\"\xC3\xA9\xF0\x9F\x98\x80\"",
        "{\"a\":[1,{\"b\":null}],\"A\":false}",
        "\xEF\xBB\xBF{}",
        "\t\r\n1\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) gs__json_destroy(parse(texts[i]));
}

static void test_refuses(void **state) {
    (void)state;
    static const char *const cases[][3] = {
        {"", "line 1, column 1", "empty"},
        {"  \n ", "line 2, column 2", "empty"},
        {"{", "column 2", "ends too early"},
        {"{\"a\"", "column 5", "ends too early"},
        {"{\"a\":", "column 6", "ends too early"},
        {"[1", "column 3", "ends too early"},
        {"[1,]", "column 4", "nothing follows the comma"},
        {"{\"a\":1,}", "column 8", "nothing follows the comma"},
        {"[1 2]", "column 4", "\",\" or \"]\""},
        {"{\"a\":1 \"b\":2}", "column 8", "\",\" or \"}\""},
        {"{a:1}", "column 2", "key in double quotes"},
        {"{'a':1}", "column 2", "key in double quotes"},
        {"{\"a\" 1}", "column 6", "\":\""},
        {"{}\n\n {}", "line 3, column 2", "more text follows"},
        {"[NaN]", "column 2", "NaN"},
        {"[Infinity]", "column 2", "Infinity"},
        {"[-Infinity]", "column 2", "Infinity"},
        {"[nul]", "column 2", "value"},
        {"[True]", "column 2", "value"},
        {"// x\n1", "column 1", "comments"},
        {"01", "column 1", "begin with 0"},
        {"-", "column 2", "digit"},
        {"1.", "column 3", "digit"},
        {".5", "column 1", "value"},
        {"+1", "column 1", "value"},
        {"1e", "column 3", "digit"},
        {"0x10", "column 2", "more text"},
        {"1111111111111111111111111111111111111111111111111111111111111", "column 1", "60 characters"},
        {"\"abc", "column 1", "does not end"},
        {"\"a\nb\"", "column 3", "control character"},
        {"\"\\x\"", "column 2", "escape"},
        {"\"\\u12\"", "column 2", "hexadecimal"},
        {"\"\\u0000\"", "column 2", "u0000"},
        {"\"\\ud800\"", "column 2", "surrogate"},
        {"\"\\ud800\\u0041\"", "column 2", "surrogate"},
        {"\"\\udc00\"", "column 2", "surrogate"},
        {"\"\xC3\"", "column 2", "UTF-8"},
        {"\"\xC0\xAF\"", "column 2", "UTF-8"},
        {"\"\xED\xA0\x80\"", "column 2", "UTF-8"},
        {"\"\xF4\x90\x80\x80\"", "column 2", "UTF-8"},
        {"\"\xFF\"", "column 2", "UTF-8"},
        {"\xC3\xA9", "column 1", "value"},
        {"{\"a\":{\"k\":1,\"l\":2,\"k\":3}}", "a.k", "twice"},
        {"{\"a\":[1,1e999]}", "a[1]", "too large"},
        {"[-1e999]", "[0]", "too large"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gs__json *json = NULL;
        gs_status status = gs__json_parse(&error, cases[i][0], strlen(cases[i][0]), "model.json", &json);
        expect_failure(&error, status, GS_ERR_FORMAT, "model.json: ", cases[i][1], cases[i][2], NULL);
        assert_null(json);
    }
    gs__json *json = NULL;
    expect_failure(&error, gs__json_parse(&error, "1\0", 2, NULL, &json), GS_ERR_FORMAT, "line 1, column 2",
                   "zero byte", NULL);
}

static char *nested(unsigned depth, const char *open, const char *inner, const char *close) {
    gs__text text = {0};
    for (unsigned i = 0; i < depth; i++) gs__text_append(&text, "%s", open);
    gs__text_append(&text, "%s", inner);
    for (unsigned i = 0; i < depth; i++) gs__text_append(&text, "%s", close);
    assert_int_equal(gs__text_check(&error, &text), GS_OK);
    return text.data;
}

static void test_depth(void **state) {
    (void)state;
    static const char *const forms[][3] = {{"[", "1", "]"}, {"{\"a\":", "1", "}"}, {"[", "", ""}, {"{\"a\":", "", ""}};
    static const unsigned depths[] = {GS__JSON_MAX_DEPTH + 1, 10000, 100000};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        for (size_t d = 0; d < sizeof depths / sizeof *depths; d++) {
            char *text = nested(depths[d], forms[i][0], forms[i][1], forms[i][2]);
            gs__json *json = NULL;
            expect_failure(&error, gs__json_parse(&error, text, strlen(text), "deep.json", &json), GS_ERR_FORMAT,
                           "deep.json: line 1, column ", "nested too deeply, expected at most 100 levels", NULL);
            free(text);
        }
    // At the limit everything works, the longest path too.
    char *text = nested(GS__JSON_MAX_DEPTH, "[", "1", "]"), path[1000];
    gs__json *json = parse(text);
    const cJSON *item = gs__json_root(json);
    while (item->child) item = item->child;
    assert_int_equal(strlen(gs__json_path(json, item, path, sizeof path)), 3 * GS__JSON_MAX_DEPTH);
    expect_failure(&error, gs__json_fail(json, item, GS_ERR_FORMAT, "the end"), GS_ERR_FORMAT, "[0][0]", "the end",
                   NULL);
    gs__json_destroy(json);
    free(text);
}

static void test_members(void **state) {
    (void)state;
    gs__json *json = parse("{\"config\":{\"layers\":[{},{\"config\":{\"units\":64,\"rate\":0.25,\"bias\":true,"
                           "\"name\":\"fc\",\"seed\":null,\"low\":-3,\"big\":9007199254740992}}]}}");
    const cJSON *config = NULL, *layers = NULL, *layer = NULL, *none = NULL;
    assert_int_equal(gs__json_get_object(json, gs__json_root(json), "config", GS__JSON_REQUIRED, &config), GS_OK);
    assert_int_equal(gs__json_get_array(json, config, "layers", GS__JSON_REQUIRED, &layers), GS_OK);
    assert_int_equal(gs__json_as_object(json, layers->child), GS_OK);
    assert_int_equal(gs__json_get_object(json, layers->child->next, "config", GS__JSON_REQUIRED, &layer), GS_OK);
    uint64_t units = 0, seed = 77;
    int64_t low = 0, big = 0;
    double rate = 0, number = 5;
    bool bias = false;
    const char *name = NULL;
    assert_int_equal(gs__json_get_uint(json, layer, "units", GS__JSON_REQUIRED, 1, 64, &units), GS_OK);
    assert_int_equal(units, 64);
    assert_int_equal(gs__json_get_int(json, layer, "low", GS__JSON_REQUIRED, -3, 3, &low), GS_OK);
    assert_int_equal(low, -3);
    assert_int_equal(gs__json_get_int(json, layer, "big", GS__JSON_REQUIRED, 0, INT64_MAX, &big), GS_OK);
    assert_int_equal(big, INT64_C(1) << 53);
    assert_int_equal(gs__json_get_number(json, layer, "rate", GS__JSON_REQUIRED, &rate), GS_OK);
    assert_true(rate == 0.25);
    assert_int_equal(gs__json_get_bool(json, layer, "bias", GS__JSON_REQUIRED, &bias), GS_OK);
    assert_true(bias);
    assert_int_equal(gs__json_get_string(json, layer, "name", GS__JSON_REQUIRED, &name), GS_OK);
    assert_string_equal(name, "fc");
    // Null and missing leave the default.
    assert_int_equal(gs__json_get_uint(json, layer, "seed", GS__JSON_OPTIONAL, 0, UINT64_MAX, &seed), GS_OK);
    assert_int_equal(seed, 77);
    assert_int_equal(gs__json_get_number(json, layer, "absent", GS__JSON_OPTIONAL, &number), GS_OK);
    assert_true(number == 5);
    assert_int_equal(gs__json_get_object(json, layer, "absent", GS__JSON_OPTIONAL, &none), GS_OK);
    assert_null(none);
    assert_null(gs__json_find(layer, "seed"));
    assert_null(gs__json_find(layer, "Units")); // case counts
    assert_null(gs__json_find(layers, "units"));
    gs__json_destroy(json);
}

static void test_member_errors(void **state) {
    (void)state;
    gs__json *json = parse("{\"config\":{\"layers\":[{},{\"config\":{\"units\":\"abc\",\"half\":0.5,\"negative\":-1,"
                           "\"huge\":1e300,\"null\":null,\"list\":[1,2],\"yes\":1}}]}}");
    const cJSON *layer = cJSON_GetObjectItem(gs__json_root(json)->child->child->child->next, "config"), *item = NULL;
    uint64_t u = 9;
    int64_t n = 9;
    double d = 9;
    bool b = false;
    const char *s = "kept";
    expect_failure(&error, gs__json_get_uint(json, layer, "units", GS__JSON_REQUIRED, 1, UINT64_MAX, &u), GS_ERR_FORMAT,
                   "model.json: config.layers[1].config.units: expected an integer of at least 1, found \"abc\"", NULL);
    expect_failure(&error, gs__json_get_uint(json, layer, "half", GS__JSON_OPTIONAL, 1, 100, &u), GS_ERR_FORMAT,
                   "config.layers[1].config.half: expected an integer from 1 to 100, found 0.5", NULL);
    expect_failure(&error, gs__json_get_uint(json, layer, "negative", GS__JSON_REQUIRED, 0, 100, &u), GS_ERR_FORMAT,
                   "found -1", NULL);
    expect_failure(&error, gs__json_get_int(json, layer, "huge", GS__JSON_REQUIRED, INT64_MIN, INT64_MAX, &n),
                   GS_ERR_FORMAT, "expected an integer, found 1", NULL);
    expect_failure(&error, gs__json_get_number(json, layer, "list", GS__JSON_REQUIRED, &d), GS_ERR_FORMAT,
                   "expected a number, found an array of 2", NULL);
    expect_failure(&error, gs__json_get_bool(json, layer, "yes", GS__JSON_REQUIRED, &b), GS_ERR_FORMAT,
                   "expected true or false, found 1", NULL);
    expect_failure(&error, gs__json_get_string(json, layer, "yes", GS__JSON_REQUIRED, &s), GS_ERR_FORMAT,
                   "expected a string, found 1", NULL);
    expect_failure(&error, gs__json_get_object(json, layer, "list", GS__JSON_REQUIRED, &item), GS_ERR_FORMAT,
                   "expected an object, found an array of 2", NULL);
    expect_failure(&error, gs__json_get_array(json, layer, "half", GS__JSON_REQUIRED, &item), GS_ERR_FORMAT,
                   "expected an array, found 0.5", NULL);
    expect_failure(&error, gs__json_get(json, layer, "null", GS__JSON_REQUIRED, &item), GS_ERR_FORMAT,
                   "config.layers[1].config.null: a value is needed, found null", NULL);
    expect_failure(&error, gs__json_get(json, layer, "absent", GS__JSON_REQUIRED, &item), GS_ERR_FORMAT,
                   "config.layers[1].config: \"absent\" is missing", NULL);
    expect_failure(&error, gs__json_get(json, gs__json_find(layer, "list"), "x", GS__JSON_OPTIONAL, &item),
                   GS_ERR_FORMAT, "list: expected an object, found an array of 2", NULL);
    expect_failure(&error, gs__json_fail(json, gs__json_root(json), GS_ERR_UNSUPPORTED, "no %d", 7), GS_ERR_UNSUPPORTED,
                   "model.json: the document: no 7", NULL);
    assert_true(u == 9 && n == 9 && d == 9 && !b && !item);
    assert_string_equal(s, "kept");
    gs__json_destroy(json);
}

// What a message shows of a hostile file has no line breaks and an end.
static void test_show(void **state) {
    (void)state;
    char text[2000], shown[64];
    memset(text, 'x', sizeof text);
    memcpy(text, "[\"a\\nb\\u001b", 12);
    memcpy(text + sizeof text - 3, "\"]", 3);
    gs__json *json = parse(text);
    int64_t n;
    expect_failure(&error, gs__json_as_int(json, gs__json_root(json)->child, 0, 9, &n), GS_ERR_FORMAT,
                   "[0]: expected an integer from 0 to 9, found \"a?b?", "...", NULL);
    assert_true(strlen(error.message) < 150);
    gs__json_destroy(json);
    // Cut off between characters, not within one.
    assert_string_equal(gs__text_show("abc\xC3\xA9\xC3\xA9\xC3\xA9", shown, 8), "abc...");
    assert_string_equal(gs__text_show("abcdefg", shown, 8), "abcdefg");
    assert_string_equal(gs__text_show("abcdefgh", shown, 8), "abcd...");
}

static void test_text(void **state) {
    (void)state;
    gs__text text = {0};
    gs__text_append_json(&text, "a\"b\\c\n\x01\xC3\xA9");
    assert_string_equal(text.data, "\"a\\\"b\\\\c\\u000a\\u0001\xC3\xA9\"");
    gs__json *json = parse(text.data);
    assert_string_equal(gs__json_root(json)->valuestring, "a\"b\\c\n\x01\xC3\xA9");
    gs__json_destroy(json);
    gs__text_deinit(&text);
    for (int i = 0; i < 1000; i++) gs__text_append(&text, "%d,", i % 10);
    assert_int_equal(gs__text_check(&error, &text), GS_OK);
    assert_int_equal(text.length, 2000);
    assert_int_equal(strlen(text.data), 2000);
    gs__text_deinit(&text);
    text.failed = true;
    gs__text_append(&text, "x");
    assert_int_equal(gs__text_check(&error, &text), GS_ERR_MEMORY);
}

static gs_status parse_damaged(void *user, const char *data, size_t bytes) {
    (void)user;
    gs__json *json = NULL;
    gs_status status = gs__json_parse(&error, data, bytes, "damaged", &json);
    gs__json_destroy(json);
    return status;
}

static void test_damage(void **state) {
    (void)state;
    static const char text[] =
        "{\"a\": [1, -2.5e+3, true, false, null, \"x\\u00e9\\ud83d\\ude00\xC3\xA9\xE2\x82\xAC\"], \"b\": {\"c\": {}}}";
    assert_true(damage(text, sizeof text - 1, true, parse_damaged, NULL) > sizeof text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts), cmocka_unit_test(test_refuses),       cmocka_unit_test(test_depth),
        cmocka_unit_test(test_members), cmocka_unit_test(test_member_errors), cmocka_unit_test(test_show),
        cmocka_unit_test(test_text),    cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
