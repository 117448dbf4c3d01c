#include "progress.h"
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

enum { MAX_PARTS = 6 + 2 * GS_MAX_METRICS, GAP = 2, BAR_LEAST = 8, BAR_MOST = 40 };

// A line is made of parts. Where the bar's line is too narrow, those with the highest rank are left out first.
struct part {
    char text[80];
    unsigned rank;
};

struct line {
    struct part parts[MAX_PARTS];
    unsigned count;
};

static const double redraw_s = 0.1;

static double now_s(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

void cli_progress_init(cli_progress *progress, bool quiet, bool validation) {
    *progress = (cli_progress){.quiet = quiet, .validation = validation, .terminal = cli_terminal_of(stdout)};
}

CLI_PRINTF(3, 4) static void add(struct line *line, unsigned rank, const char *format, ...) {
    if (line->count == MAX_PARTS) return;
    struct part *part = &line->parts[line->count++];
    part->rank = rank;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(part->text, sizeof part->text, format, arguments);
    va_end(arguments);
}

// Loss and metrics. Four decimals, or an exponent where those would say little.
static void add_figures(struct line *line, unsigned rank, const char *prefix, const gs_result *result) {
    for (uint32_t i = 0; i <= result->metric_count; i++) {
        double value = i == 0 ? result->loss : result->metrics[i - 1];
        const char *name = i == 0 ? "loss" : result->metric_names[i - 1];
        if (isnan(value)) continue; // of a whole epoch
        bool plain = value == 0 || (fabs(value) >= 0.001 && fabs(value) < 1e6);
        if (plain) add(line, rank + i, "%s%s %.4f", prefix, name, value);
        else add(line, rank + i, "%s%s %.3e", prefix, name, value);
    }
}

static void add_rate(struct line *line, unsigned rank, double samples_per_second) {
    if (isfinite(samples_per_second) && samples_per_second > 0) add(line, rank, "%.0f samples/s", samples_per_second);
}

// Whole seconds, so that the line keeps its width.
static void add_remaining(struct line *line, unsigned rank, double seconds) {
    uint64_t whole = seconds < 1e9 ? (uint64_t)(seconds + 0.5) : 0;
    uint64_t hours = whole / 3600, minutes = whole / 60 % 60, rest = whole % 60;
    if (!(seconds < 1e9)) add(line, rank, "ETA ?");
    else if (hours > 0) add(line, rank, "ETA %" PRIu64 ":%02" PRIu64 ":%02" PRIu64, hours, minutes, rest);
    else add(line, rank, "ETA %" PRIu64 ":%02" PRIu64, minutes, rest);
}

static unsigned part_columns(const struct line *line, unsigned i) {
    return (unsigned)strlen(line->parts[i].text);
}

static unsigned line_columns(const struct line *line) {
    unsigned columns = 0;
    for (unsigned i = 0; i < line->count; i++) columns += part_columns(line, i) + (i > 0 ? GAP : 0);
    return columns;
}

// Leaves out a part; the first one stays.
static void drop_part(struct line *line) {
    unsigned worst = line->count - 1;
    for (unsigned i = 1; i < line->count; i++) {
        if (line->parts[i].rank > line->parts[worst].rank) worst = i;
    }
    memmove(&line->parts[worst], &line->parts[worst + 1], (line->count - worst - 1) * sizeof(struct part));
    line->count--;
}

static void draw_bar(const cli_terminal *terminal, unsigned columns, double share) {
    unsigned full = (unsigned)(share * columns);
    if (full > columns) full = columns;
    if (terminal->color) printf("\033[32m");
    cli_repeat(stdout, terminal->utf8 ? "━" : "=", full);
    if (terminal->color) printf("\033[0m\033[2m");
    cli_repeat(stdout, terminal->utf8 ? "─" : ".", columns - full);
    if (terminal->color) printf("\033[0m");
}

// Rewrites the terminal's last line: the first part, the bar, the other parts.
static void draw(cli_progress *progress, struct line *line, double share) {
    // The last column stays empty: some terminals wrap when it is written.
    unsigned columns = cli_terminal_columns(stdout) - 1;
    while (line->count > 1 && line_columns(line) + GAP + BAR_LEAST > columns) drop_part(line);
    unsigned used = line_columns(line), bar = 0;
    if (used + GAP + BAR_LEAST <= columns) bar = columns - used - GAP;
    if (bar > BAR_MOST) bar = BAR_MOST;
    if (used > columns) line->parts[0].text[columns] = 0, used = columns;

    printf("\r%s", line->parts[0].text);
    if (bar > 0) {
        printf("%*s", GAP, "");
        draw_bar(&progress->terminal, bar, share);
        used += GAP + bar;
    }
    for (unsigned i = 1; i < line->count; i++) printf("%*s%s", GAP, "", line->parts[i].text);
    if (progress->drawn > used && used < columns) {
        unsigned old = progress->drawn < columns ? progress->drawn : columns;
        if (old > used) printf("%*s", (int)(old - used), "");
    }
    progress->drawn = used;
    progress->last_drawn_s = now_s();
    fflush(stdout);
}

void cli_progress_clear(cli_progress *progress) {
    if (progress->drawn == 0) return;
    printf("\r%*s\r", (int)progress->drawn, "");
    progress->drawn = 0;
    fflush(stdout);
}

void cli_progress_start(cli_progress *progress, uint32_t epochs) {
    if (progress->quiet || !progress->terminal.live) return;
    struct line line = {0};
    add(&line, 0, "Epoch 1/%" PRIu32, epochs);
    add(&line, 1, "preparing");
    draw(progress, &line, 0);
}

static void show_step(cli_progress *progress, const gs_event *event) {
    bool last = event->step >= event->steps;
    if (!last && now_s() - progress->last_drawn_s < redraw_s) return;
    double share = event->steps > 0 ? (double)event->step / (double)event->steps : 0;
    struct line line = {0};
    add(&line, 0, "Epoch %" PRIu32 "/%" PRIu32, event->epoch + 1, event->epochs);
    if (last && progress->validation) add(&line, 1, "validating");
    else if (share > 0) add_remaining(&line, 1, event->train.seconds * (1 - share) / share);
    add_rate(&line, 4, event->samples_per_second);
    add_figures(&line, 2, "", &event->train);
    draw(progress, &line, share);
}

static void show_epoch(cli_progress *progress, const gs_event *event) {
    struct line line = {0};
    add(&line, 0, "Epoch %" PRIu32 "/%" PRIu32, event->epoch + 1, event->epochs);
    if (event->kind == GS_EVENT_PROGRESS) add(&line, 0, "%" PRIu64 " of %" PRIu64 " steps", event->step, event->steps);
    add_figures(&line, 0, "", &event->train);
    if (event->has_validation) add_figures(&line, 0, "val_", &event->validation);
    add(&line, 0, "%s", cli_duration(event->train.seconds).text);
    add_rate(&line, 0, event->samples_per_second);

    cli_progress_clear(progress);
    unsigned columns = progress->terminal.live ? cli_terminal_columns(stdout) : 0; // 0: one line, however long
    unsigned indent = part_columns(&line, 0), used = indent;
    printf("%s", line.parts[0].text);
    for (unsigned i = 1; i < line.count; i++) {
        unsigned more = GAP + part_columns(&line, i);
        if (columns > 0 && used + more > columns && used > indent) {
            printf("\n%*s", (int)indent, "");
            used = indent;
        }
        printf("%*s%s", GAP, "", line.parts[i].text);
        used += more;
    }
    printf("\n");
    fflush(stdout);
}

void cli_progress_event(cli_progress *progress, const gs_event *event) {
    if (progress->quiet) return;
    if (event->kind == GS_EVENT_EPOCH) show_epoch(progress, event);
    else if (progress->terminal.live) show_step(progress, event);
}

void cli_progress_partial(cli_progress *progress, const gs_event *last) {
    if (!progress->quiet && last->kind == GS_EVENT_PROGRESS && last->step > 0) show_epoch(progress, last);
}
