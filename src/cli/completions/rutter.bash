# bash completion for @NAME@: asks rutter itself what may stand in the place of the word being typed.

__@FUNCTION@_words() {
    # bash cuts words at ':' and '=' too; what the line has no blank between is put together again.
    local rest="${COMP_LINE:0:COMP_POINT}" stripped word i
    words=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        stripped="${rest#"${rest%%[![:space:]]*}"}"
        word="${COMP_WORDS[i]}"
        [[ ${#word} -le ${#stripped} ]] || word="$stripped"
        if ((i == 0)) || [[ ${#stripped} -ne ${#rest} ]]; then
            words+=("$word")
        else
            words[${#words[@]} - 1]+="$word"
        fi
        rest="${stripped:${#word}}"
    done
}

__@FUNCTION@_complete() {
    local words answer=() cur directive i name line
    COMPREPLY=()
    __@FUNCTION@_words
    cur="${words[${#words[@]} - 1]}"
    # `eval` for the first word alone: it may be an alias or begin with a tilde.
    # No `mapfile`: the bash of macOS is older.
    while IFS= read -r line; do answer+=("$line"); done < <(eval "${words[0]}" '@COMMAND@ "${words[@]:1}"' 2>/dev/null)
    ((${#answer[@]} > 0)) || return
    directive="${answer[${#answer[@]} - 1]}"
    unset 'answer[${#answer[@]}-1]'
    [[ $directive == :* ]] || return
    directive="${directive#:}"
    ((directive & 1)) && return
    if [[ $(type -t compopt) == builtin ]]; then
        if ((directive & 2)); then compopt -o nospace; fi
        if ((directive & 4)); then compopt +o default; fi
    fi

    # Of `--flag=value` rutter gives the value, and the value is what bash replaces.
    [[ $cur == -*=* ]] && cur="${cur#*=}"
    local found=() about=() width=0
    for ((i = 0; i < ${#answer[@]}; i++)); do
        name="${answer[i]%%$'\t'*}"
        [[ $name == "_activeHelp_ "* || $name != "$cur"* ]] && continue
        found+=("$name")
        if [[ ${answer[i]} == *$'\t'* ]]; then about+=("${answer[i]#*$'\t'}"); else about+=(""); fi
        ((${#name} <= width)) || width=${#name}
    done

    # Only the piece behind the last ':' is replaced.
    local cut=""
    [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]] && cut="${cur%"${cur##*:}"}"
    local lists=0
    # Descriptions belong into a list (TAB twice, or M-?), never into the line.
    [[ ${COMP_TYPE:-9} == 37 || ${COMP_TYPE:-9} == 42 ]] || ((${#found[@]} < 2)) || lists=1
    for ((i = 0; i < ${#found[@]}; i++)); do
        name="${found[i]#"$cut"}"
        if ((lists)) && [[ -n ${about[i]} ]]; then
            printf -v name '%-*s  (%s)' "$((width - ${#cut}))" "$name" "${about[i]}"
            ((${#name} < ${COLUMNS:-80})) || name="${name:0:${COLUMNS:-80}-4}...)"
        fi
        COMPREPLY+=("$name")
    done
}

# The name that Helm's own script gives it, by which aliases are registered.
__start_@FUNCTION@() {
    __@FUNCTION@_complete "$@"
}

complete -o default -F __start_@FUNCTION@ @NAME@
