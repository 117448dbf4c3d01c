// gradsmith protect, unprotect, rekey, sign, verify, keygen
#include "cli.h"
#include "key.h"
#include "options.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int check_dir(const char *command, const char *dir) {
    if (dir != NULL) return CLI_OK;
    return cli_misuse(command, "expected DIR, a folder that \"gradsmith train --out\" wrote");
}

static int print_info(const char *dir, const char *what, const char *kept, const gs_protect_info *info) {
    printf("%s: %" PRIu32 " files %s", dir, info->changed_count, what);
    if (info->kept_count > 0) printf(", %" PRIu32 " %s before", info->kept_count, kept);
    if (info->plain_count > 0) printf(", %" PRIu32 " logs left as they are", info->plain_count);
    printf("\n");
    return CLI_OK;
}

// protect and unprotect
static int change(const char *command, int argc, char **argv, const char *text, const char *what, const char *kept,
                  cli_key_kind kind,
                  gs_status (*run)(gs_context *context, const char *dir, const gs_key *key, gs_protect_info *info)) {
    const char *dir = NULL;
    cli_key wish = CLI_KEY_NONE;
    const cli_option options[] = {CLI_KEY_OPTIONS(&wish, "", "the ", ""), {0}};
    const cli_usage usage = {
        .command = command,
        .synopsis = "DIR [--key-file FILE]",
        .text = text,
        .options = options,
        .operand = &dir,
        .operand_name = "DIR",
    };
    int code = cli_parse(&usage, argc, argv);
    if (code != CLI_GO_ON) return code;
    code = check_dir(command, dir);
    if (code != CLI_OK) return code;
    gs_context *context;
    gs_key *key = NULL;
    gs_lock *lock = NULL;
    gs_protect_info info;
    if (gs_context_create(&context, NULL) != GS_OK) return cli_fail("out of memory");
    // Not while a training writes there.
    if (gs_folder_lock(context, dir, &lock) != GS_OK) code = cli_fail_context(context, NULL);
    else code = cli_key_get(context, command, &wish, kind, &key);
    if (code == CLI_OK && run(context, dir, key, &info) != GS_OK) code = cli_fail_context(context, NULL);
    if (code == CLI_OK) code = print_info(dir, what, kept, &info);
    gs_folder_unlock(&lock);
    gs_key_destroy(&key);
    gs_context_destroy(&context);
    return code;
}

int cli_protect(int argc, char **argv) {
    return change("protect", argc, argv,
                  "Encrypts the model in DIR: all files but the logs (.csv, .jsonl, event files),\n"
                  "in folders within it, too. A passphrase is asked for, twice, unless it comes\n"
                  "from elsewhere. Without it the model is lost. What was interrupted is completed\n"
                  "by doing the same again.",
                  "encrypted", "encrypted", CLI_KEY_OF_NEW, gs_folder_protect);
}

int cli_unprotect(int argc, char **argv) {
    return change("unprotect", argc, argv, "Decrypts the model in DIR, as it was before protect.", "decrypted", "plain",
                  CLI_KEY_OF_OLD, gs_folder_unprotect);
}

int cli_rekey(int argc, char **argv) {
    const char *dir = NULL;
    cli_key old_wish = CLI_KEY_NONE, new_wish = CLI_KEY_NONE;
    const cli_option options[] = {
        CLI_KEY_OPTIONS(&old_wish, "", "the ", ""),
        CLI_KEY_OPTIONS(&new_wish, "new-", "the new ", "NEW_"),
        {0},
    };
    const cli_usage usage = {
        .command = "rekey",
        .synopsis = "DIR [--key-file FILE] [--new-key-file FILE]",
        .text = "Encrypts the model in DIR with another key. What was interrupted is completed by\n"
                "doing the same again.",
        .options = options,
        .operand = &dir,
        .operand_name = "DIR",
    };
    int code = cli_parse(&usage, argc, argv);
    if (code != CLI_GO_ON) return code;
    code = check_dir("rekey", dir);
    if (code != CLI_OK) return code;
    gs_context *context;
    gs_key *old_key = NULL, *new_key = NULL;
    gs_lock *lock = NULL;
    gs_protect_info info;
    if (gs_context_create(&context, NULL) != GS_OK) return cli_fail("out of memory");
    if (gs_folder_lock(context, dir, &lock) != GS_OK) code = cli_fail_context(context, NULL);
    else code = cli_key_get(context, "rekey", &old_wish, CLI_KEY_OF_OLD, &old_key);
    if (code == CLI_OK) code = cli_key_get(context, "rekey", &new_wish, CLI_KEY_NEXT, &new_key);
    if (code == CLI_OK && gs_folder_rekey(context, dir, old_key, new_key, &info) != GS_OK)
        code = cli_fail_context(context, NULL);
    if (code == CLI_OK) code = print_info(dir, "encrypted anew", "with the new key", &info);
    gs_folder_unlock(&lock);
    gs_key_destroy(&new_key);
    gs_key_destroy(&old_key);
    gs_context_destroy(&context);
    return code;
}

// sign and verify
static int signature(const char *command, int argc, char **argv, const cli_usage *like, const char *option,
                     const char *help, const char *what,
                     gs_status (*run)(gs_context *context, const char *dir, const char *key, uint32_t *count)) {
    const char *dir = NULL, *path = NULL;
    const cli_option options[] = {{option, "FILE", help, .text = &path}, {0}};
    cli_usage usage = *like;
    usage.command = command;
    usage.options = options;
    usage.operand = &dir;
    usage.operand_name = "DIR";
    int code = cli_parse(&usage, argc, argv);
    if (code != CLI_GO_ON) return code;
    code = check_dir(command, dir);
    if (code != CLI_OK) return code;
    if (path == NULL) return cli_misuse(command, "--%s is missing", option);
    gs_context *context;
    uint32_t count = 0;
    if (gs_context_create(&context, NULL) != GS_OK) return cli_fail("out of memory");
    if (run(context, dir, path, &count) != GS_OK) code = cli_fail_context(context, NULL);
    else printf("%s: %s, %" PRIu32 " files\n", dir, what, count);
    gs_context_destroy(&context);
    return code;
}

int cli_sign(int argc, char **argv) {
    const cli_usage usage = {
        .synopsis = "DIR --secret-key FILE",
        .text = "Signs the files in DIR: writes DIR/SIGNATURE, with the SHA-256 of each and an\n"
                "Ed25519 signature.",
        .examples = "  gradsmith keygen --sign my.key    # and my.key.pub, for those who verify\n"
                    "  gradsmith sign runs/first --secret-key my.key\n"
                    "  gradsmith verify runs/first --public-key my.key.pub\n",
    };
    return signature("sign", argc, argv, &usage, "secret-key", "of \"gradsmith keygen --sign\"; mode 0600", "signed",
                     gs_folder_sign);
}

int cli_verify(int argc, char **argv) {
    const cli_usage usage = {
        .synopsis = "DIR --public-key FILE",
        .text = "Succeeds where DIR was signed with this key, and each file is as it was then,\n"
                "and no other is there.",
    };
    return signature("verify", argc, argv, &usage, "public-key", "the FILE.pub of \"gradsmith keygen --sign FILE\"",
                     "the signature is good", gs_folder_verify);
}

int cli_keygen(int argc, char **argv) {
    const char *path = NULL;
    bool sign = false;
    const cli_option options[] = {
        {"sign", NULL, "a pair of keys for sign and verify: FILE, and FILE.pub", .flag = &sign},
        {0},
    };
    const cli_usage usage = {
        .command = "keygen",
        .synopsis = "FILE [--sign]",
        .text = "Makes a new key file, which only you can read: for --key-file of train, protect\n"
                "and others.",
        .options = options,
        .operand = &path,
        .operand_name = "FILE",
    };
    int code = cli_parse(&usage, argc, argv);
    if (code != CLI_GO_ON) return code;
    if (path == NULL) return cli_misuse("keygen", "expected FILE, a name for the new key");
    gs_context *context;
    const size_t bytes = strlen(path) + 5;
    char *public = malloc(bytes);
    if (public == NULL || gs_context_create(&context, NULL) != GS_OK) {
        free(public);
        return cli_fail("out of memory");
    }
    snprintf(public, bytes, "%s.pub", path);
    gs_status status = sign ? gs_signing_key_create(context, path, public) : gs_key_file_create(context, path);
    if (status != GS_OK) code = cli_fail_context(context, NULL);
    else if (sign) printf("Made: %s, keep it secret, and %s, for those who verify\n", path, public);
    else printf("Made: %s; without it, what it encrypts is lost\n", path);
    gs_context_destroy(&context);
    free(public);
    return code == CLI_GO_ON ? CLI_OK : code;
}
