// gradsmith plot
#include "cli.h"
#include "key.h"
#include "options.h"
#include "pictures.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int draw(const char *dir) {
    gs_context *context;
    gs_model *model = NULL;
    if (gs_context_create(&context, NULL) != GS_OK) return cli_fail("out of memory");
    char *file = cli_join(dir, "model.json");
    int code = file != NULL ? CLI_OK : CLI_FAILED;
    // A training that is still under way has no model yet. Of a protected one nothing is drawn but its logs: pictures are
    // not encrypted.
    const bool protected = cli_is_encrypted(dir);
    if (file != NULL && !protected && access(file, F_OK) == 0) code = cli_open_run(context, dir, &model);
    if (code == CLI_OK) code = cli_pictures_draw(context, dir, model);
    if (code == CLI_OK)
        printf("Drawn: %s%sreport.html and plots/%s\n", dir, dir[strlen(dir) - 1] == '/' ? "" : "/",
               protected ? " (curves only: the model is protected)" : "");
    free(file);
    gs_model_destroy(&model);
    gs_context_destroy(&context);
    return code;
}

int cli_plot(int argc, char **argv) {
    const char *dir = NULL;
    const cli_option options[] = {{0}};
    const cli_usage usage = {
        .command = "plot",
        .synopsis = "DIR",
        .text = "Draws the training in DIR, a folder that train --out wrote: loss and metrics, the\n"
                "confusion matrix of the validation data, the filters of the first layer. Writes\n"
                "DIR/report.html, which needs nothing else, and DIR/plots/*.png. train does so at its\n"
                "end; this draws one that is still under way, or was made with --no-plots.",
        .options = options,
        .operand = &dir,
        .operand_name = "DIR",
        .examples = "  gradsmith plot runs/first\n",
    };
    int code = cli_parse(&usage, argc, argv);
    if (code != CLI_GO_ON) return code;
    if (dir == NULL) return cli_misuse("plot", "expected DIR, a folder that \"gradsmith train --out\" wrote");
    struct stat status;
    if (stat(dir, &status) != 0) return cli_fail("%s: %s", dir, strerror(errno));
    if (!S_ISDIR(status.st_mode))
        return cli_fail("%s: expected a folder that \"gradsmith train --out\" wrote, found a file", dir);
    return draw(dir);
}
