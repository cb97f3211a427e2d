# PowerShell completion for @NAME@: asks rutter itself what may stand in the place of the word being typed.

Register-ArgumentCompleter -Native -CommandName '@NAME@' -ScriptBlock {
    param($WordToComplete, $CommandAst, $CursorPosition)

    # The words up to the cursor; the last one is unfinished, or empty behind a blank.
    $Words = @($CommandAst.CommandElements |
        Where-Object { $_.Extent.StartOffset -lt $CursorPosition } |
        ForEach-Object { $_.Extent.Text })
    $Program = $Words[0]
    $Arguments = @($Words | Select-Object -Skip 1)
    if ($WordToComplete -eq '') { $Arguments += '' }
    # Older versions drop an empty argument on the way to a program.
    $Legacy = $PSVersionTable.PSVersion -lt [version]'7.3.0' -or $PSNativeCommandArgumentPassing -eq 'Legacy'
    if ($Legacy) { $Arguments = @($Arguments | ForEach-Object { if ($_ -eq '') { '""' } else { $_ } }) }

    $Answer = @(& $Program '@COMMAND@' @Arguments 2>$null)
    if ($Answer.Count -eq 0 -or $Answer[-1] -notmatch '^:(\d+)$') { return }
    $Directive = [int]$Matches[1]
    if ($Directive -band 1) { return }

    # Of `--flag=value` rutter gives the value, PowerShell wants the whole word.
    $Prefix = if ($WordToComplete -match '^(-[^=]*=)') { $Matches[1] } else { '' }
    $Space = if ($Directive -band 2) { '' } else { ' ' }
    $Found = @($Answer | Select-Object -SkipLast 1 |
        Where-Object { $_ -and -not $_.StartsWith('_activeHelp_ ') } |
        Where-Object { "$Prefix$(($_ -split "`t", 2)[0])".StartsWith($WordToComplete) })
    if ($Found.Count -eq 0) {
        # An empty answer would offer files; one empty word keeps PowerShell from it.
        if ($Directive -band 4) { '' }
        return
    }
    foreach ($Line in $Found) {
        $Name, $About = $Line -split "`t", 2
        if (-not $About) { $About = ' ' }
        [System.Management.Automation.CompletionResult]::new("$Prefix$Name$Space", $Name, 'ParameterValue', $About)
    }
}
