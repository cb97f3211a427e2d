# fish completion for @NAME@: asks rutter itself what may stand in the place of the word being typed.

function __@FUNCTION@_ask
    set -l words (commandline -opc)
    set -l cur (commandline -ct | string unescape)
    set -q cur[1]; or set cur ""
    # `eval` for the first word alone: it may be an alias or begin with a tilde.
    set -l arguments $words[2..-1] $cur
    eval $words[1] '@COMMAND@ $arguments' 2>/dev/null
end

# Whether rutter has candidates; then they are kept for the line below.
function __@FUNCTION@_prepare
    set -g __@FUNCTION@_found
    set -l answer (__@FUNCTION@_ask)
    set -l directive (string replace -r '^:' '' -- $answer[-1])
    set -e answer[-1]
    string match -qr '^[0-9]+$' -- "$directive"; or return 1
    test (math "$directive % 2") -eq 1; and return 1
    # Of `--flag=value` rutter gives the value, fish wants the whole word.
    set -l prefix (string match -r -- '^-[^=]*=' (commandline -ct))
    set -l cur (string replace -- "$prefix" '' (commandline -ct))
    for line in $answer
        string match -q -- '_activeHelp_ *' $line; and continue
        string match -q -- "$cur*" $line; or continue
        set -a __@FUNCTION@_found "$prefix$line"
    end
    # Without candidates fish offers files, if rutter lets it.
    test (count $__@FUNCTION@_found) -gt 0; and return 0
    test (math "floor($directive / 4) % 2") -eq 1
end

complete -c @NAME@ -e
complete -c @NAME@ -n __@FUNCTION@_prepare -f -a '$__@FUNCTION@_found'
