// Rows and cells of CSV text, numbers, dictionaries.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "data/csv.h"
#include "files.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static gs__error error;

// The rows as "cell|cell;cell|cell;", or the failure.
static gs_status rows_of(const char *text, size_t bytes, char delimiter, char *out, size_t out_bytes) {
    char *copy = malloc(bytes + 1);
    assert_non_null(copy);
    memcpy(copy, text, bytes);
    copy[bytes] = 0;
    gs__csv csv = {0};
    gs_status status = gs__csv_begin(&error, "t.csv", delimiter, copy, bytes, &csv);
    size_t used = 0;
    bool more = true;
    out[0] = 0;
    while (status == GS_OK) {
        status = gs__csv_next(&csv, &more);
        if (status != GS_OK || !more) break;
        for (uint32_t i = 0; i < csv.count; i++)
            used += (size_t)snprintf(out + used, out_bytes - used, "%s%s", csv.cells[i].text,
                                     i + 1 < csv.count ? "|" : ";");
    }
    gs__csv_deinit(&csv);
    free(copy);
    return status;
}

static void test_rows(void **state) {
    (void)state;
    static const struct {
        const char *text, *rows;
        char delimiter;
    } cases[] = {
        {"a,b\n1,2\n", "a|b;1|2;", ','},
        {"a,b\n1,2", "a|b;1|2;", ','},
        {"a,b\r\n1,2\r\n", "a|b;1|2;", ','},
        {"a,b\r1,2\r", "a|b;1|2;", ','},
        {"\xEF\xBB\xBF"
         "a,b\n",
         "a|b;", ','},
        {"a;b\n1,5;2\n", "a|b;1,5|2;", ';'},
        {"a\tb\n\t2\n", "a|b;|2;", '\t'},
        {" a , b\t\n", "a|b;", ','},
        {"\"a,b\",\"c\"\"d\"\n", "a,b|c\"d;", ','},
        {"\"a\nb\",c\n1,2\n", "a\nb|c;1|2;", ','},
        {"\"a\r\nb\",c\n", "a\r\nb|c;", ','},
        {"\" a \" ,b\n", " a |b;", ','},
        {"\"\",\n", "|;", ','},
        {"\n\na\n\n  \nb\n\n", "a;b;", ','},
        {"\"\"\na\n", ";a;", ','}, // a cell in quotes is one, even when empty
        {"5\" pipe,2\n", "5\" pipe|2;", ','},
        {",\n", "|;", ','},
        {"a,", "a|;", ','},
        {"", "", ','},
    };
    char rows[200];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(rows_of(cases[i].text, strlen(cases[i].text), cases[i].delimiter, rows, sizeof rows), GS_OK);
        assert_string_equal(rows, cases[i].rows);
    }
}

static void test_refuses(void **state) {
    (void)state;
    static const struct {
        const char *text;
        size_t bytes;
        const char *message;
    } cases[] = {
        {"a\n1,\"b\nc\n", 9, "t.csv:2: the quote of cell 2 is not closed"},
        {"a\n\"b\"c\n", 7, "t.csv:2: cell 1 has text behind its closing quote"},
        {"a\0b", 3, "zero byte at offset 1"},
        {"\xFF\xFE"
         "a\0",
         4, "UTF-16"},
        {"\xFE\xFF\0a", 4, "UTF-16"},
    };
    char rows[200];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_failure(&error, rows_of(cases[i].text, cases[i].bytes, ',', rows, sizeof rows), GS_ERR_FORMAT,
                       cases[i].message, NULL);
    char *wide = malloc(70000);
    assert_non_null(wide);
    memset(wide, ',', 70000);
    expect_failure(&error, rows_of(wide, 70000, ',', rows, sizeof rows), GS_ERR_FORMAT, "more than 65536 cells", NULL);
    free(wide);
}

static void test_numbers(void **state) {
    (void)state;
    static const char *const good[] = {"0",
                                       "1",
                                       "-1",
                                       "+2.5",
                                       "1.",
                                       ".5",
                                       "1e3",
                                       "1E-3",
                                       "-0.125",
                                       "1e+2",
                                       " 7 ",
                                       "007",
                                       "1e-400",
                                       "123456789.25",
                                       "0.1",
                                       "3.14159265358979323846",
                                       "123456789012345678901234567890"};
    static const char *const bad[] = {"",     "a",   "1a",  "1e",  "e3",  ".",     "+",      "--1",   "1,5",
                                      "0x10", "inf", "nan", "1 2", "1e+", "1e400", "-1e999", "1_000", "\xC2\xA0x"};
    double value;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(gs__csv_number(good[i], &value));
        assert_true(value == strtod(good[i], NULL));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(gs__csv_number(bad[i], &value));
    assert_true(gs__csv_number("-0", &value) && signbit(value));
    // A locale with another decimal point changes nothing.
    const char *const locales[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8"};
    for (size_t i = 0; i < 3; i++)
        if (setlocale(LC_NUMERIC, locales[i])) {
            assert_true(gs__csv_number("1.5e1", &value) && value > 14.99 && value < 15.01);
            break;
        }
    setlocale(LC_NUMERIC, "C");
}

static void test_words(void **state) {
    (void)state;
    static const char *const missing[] = {"", "NA", "n/a", "NaN", "nan", "NULL", "none", "?"};
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++) assert_true(gs__csv_is_missing(missing[i]));
    assert_false(gs__csv_is_missing("0"));
    assert_false(gs__csv_is_missing("nano"));
    static const char *const valid[] = {"", "abc", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x8C\xB7", "\xEF\xBF\xBD"};
    static const char *const invalid[] = {
        "\x80",    "\xC3", "\xC3(", "\xC0\xAF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\xF4\x90\x80\x80",
        "\xE2\x82"};
    for (size_t i = 0; i < sizeof valid / sizeof *valid; i++) assert_true(gs__utf8_is_valid(valid[i]));
    for (size_t i = 0; i < sizeof invalid / sizeof *invalid; i++) assert_false(gs__utf8_is_valid(invalid[i]));
}

static void test_dict(void **state) {
    (void)state;
    gs__dict dict = {0};
    char text[16];
    uint32_t number, *place;
    assert_int_equal(gs__dict_find(&dict, "a"), -1);
    for (uint32_t i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "%u", 999 - i);
        assert_int_equal(gs__dict_add(&error, &dict, text, &number), GS_OK);
        assert_int_equal(number, i);
        assert_int_equal(gs__dict_add(&error, &dict, text, &number), GS_OK);
        assert_int_equal(number, i);
    }
    assert_int_equal(dict.count, 1000);
    assert_int_equal(gs__dict_sort(&error, &dict, &place), GS_OK); // as numbers: 2 before 10
    for (uint32_t i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "%u", i);
        assert_int_equal(gs__dict_find(&dict, text), i);
        assert_int_equal(place[999 - i], i);
    }
    free(place);
    assert_int_equal(gs__dict_add(&error, &dict, "10a", &number), GS_OK);
    assert_int_equal(gs__dict_sort(&error, &dict, &place), GS_OK); // as text: 10 before 2
    assert_true(gs__dict_find(&dict, "10") < gs__dict_find(&dict, "2"));
    free(place);
    for (uint32_t i = 0; dict.count < GS__MAX_CATEGORIES; i++) {
        snprintf(text, sizeof text, "x%u", i);
        assert_int_equal(gs__dict_add(&error, &dict, text, &number), GS_OK);
    }
    expect_failure(&error, gs__dict_add(&error, &dict, "more", &number), GS_ERR_FORMAT, "more than 65536", NULL);
    gs__dict_deinit(&dict);
}

static gs_status parse_damaged(void *user, const char *data, size_t bytes) {
    (void)user;
    char rows[400];
    return rows_of(data, bytes, ',', rows, sizeof rows);
}

static void test_damage(void **state) {
    (void)state;
    static const char text[] = "\xEF\xBB\xBFname,\"a \"\"b\"\"\",c\r\n1,2,\"x\ny\"\r\n,,\r\n";
    damage(text, sizeof text - 1, false, parse_damaged, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),  cmocka_unit_test(test_refuses), cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_words), cmocka_unit_test(test_dict),    cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
